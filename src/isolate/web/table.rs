//! Tables as `console.table` draws them.

use super::inspect::{inspect, own_data, shown};
use boa_engine::builtins::map::ordered_map::OrderedMap;
use boa_engine::builtins::proxy::Proxy;
use boa_engine::builtins::set::ordered_set::OrderedSet;
use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsArgs, JsObject, JsValue};

// What fits a log, and an eye.
const ROWS_MAX: usize = 100;
const COLUMNS_MAX: usize = 20;

struct Row {
    index: String,
    value: JsValue,
}

/// The table of `(data, columns)`; nothing when the data is no object.
pub fn text(arguments: &[JsValue], context: &mut Context) -> Option<String> {
    let data = arguments
        .get_or_undefined(0)
        .as_object()
        .filter(|data| !data.is::<Proxy>())?;
    let wanted = arguments
        .get_or_undefined(1)
        .as_object()
        .filter(JsObject::is_array);
    let rows = rows(&data);
    let mut columns: Vec<PropertyKey> = Vec::new();
    let mut primitives = false;
    if let Some(wanted) = &wanted {
        for (_, name) in properties(wanted).into_iter().take(COLUMNS_MAX) {
            if let Some(name) = name.as_string() {
                columns.push(PropertyKey::from(name));
            }
        }
    }
    for row in &rows {
        let Some(object) = row_object(&row.value) else {
            primitives = true;
            continue;
        };
        for (key, _) in properties(&object) {
            if wanted.is_none() && columns.len() < COLUMNS_MAX && !columns.contains(&key) {
                columns.push(key);
            }
        }
    }
    let mut header = vec!["(idx)".to_owned()];
    header.extend(columns.iter().map(inspect_key));
    if primitives {
        header.push("Values".to_owned());
    }
    let mut grid = vec![header];
    for row in rows {
        let mut cells = vec![row.index];
        let object = row_object(&row.value);
        for key in &columns {
            let cell = object
                .as_ref()
                .and_then(|object| own_data(object, key.clone()));
            cells.push(cell.map_or_else(String::new, |cell| cell_text(&cell, context)));
        }
        if primitives {
            let value = if object.is_none() {
                cell_text(&row.value, context)
            } else {
                String::new()
            };
            cells.push(value);
        }
        grid.push(cells);
    }
    Some(draw(&grid))
}

fn rows(data: &JsObject) -> Vec<Row> {
    if let Some(map) = data.downcast_ref::<OrderedMap<JsValue>>() {
        let pairs = map.iter().take(ROWS_MAX).enumerate();
        return pairs
            .map(|(index, (_, value))| Row {
                index: index.to_string(),
                value: value.clone(),
            })
            .collect();
    }
    if let Some(set) = data.downcast_ref::<OrderedSet>() {
        let items = set.iter().take(ROWS_MAX).enumerate();
        return items
            .map(|(index, value)| Row {
                index: index.to_string(),
                value: value.clone(),
            })
            .collect();
    }
    let list = properties(data).into_iter();
    list.map(|(key, value)| Row {
        index: inspect_key(&key),
        value,
    })
    .collect()
}

/// The first enumerable properties that are no accessors.
fn properties(object: &JsObject) -> Vec<(PropertyKey, JsValue)> {
    let object = object.borrow();
    let mut list = Vec::new();
    let mut indexed: Vec<(u32, JsValue)> = object
        .properties()
        .index_properties()
        .take(ROWS_MAX)
        .filter_map(|(index, property)| Some((index, property.value()?.clone())))
        .collect();
    indexed.sort_unstable_by_key(|(index, _)| *index);
    list.extend(
        indexed
            .into_iter()
            .map(|(index, value)| (PropertyKey::from(index), value)),
    );
    for key in object.shape().keys() {
        if list.len() >= ROWS_MAX {
            break;
        }
        let Some(property) = object.properties().get(&key) else {
            continue;
        };
        if property.enumerable() == Some(true)
            && let Some(value) = property.value()
        {
            list.push((key, value.clone()));
        }
    }
    list
}

fn row_object(value: &JsValue) -> Option<JsObject> {
    value
        .as_object()
        .filter(|object| (object.is_ordinary() || object.is_array()) && !object.is::<Proxy>())
}

fn inspect_key(key: &PropertyKey) -> String {
    match key {
        PropertyKey::String(name) => cell(&shown(name)),
        PropertyKey::Symbol(symbol) => cell(&shown(&symbol.descriptive_string())),
        PropertyKey::Index(index) => index.get().to_string(),
    }
}

fn cell_text(value: &JsValue, context: &mut Context) -> String {
    cell(&inspect(value, 0, context))
}

/// A text on one line, cut to a cell.
fn cell(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    let line = text.replace('\n', " ");
    line.chars().take(CHARS_MAX).collect()
}

fn draw(grid: &[Vec<String>]) -> String {
    let columns = grid.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = grid.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0) + 2
        })
        .collect();
    let rule = |left: &str, middle: &str, right: &str| {
        let parts: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        format!("{left}{}{right}", parts.join(middle))
    };
    let mut lines = vec![rule("┌", "┬", "┐")];
    for (index, row) in grid.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                let pad = width.saturating_sub(cell.chars().count() + 1);
                format!(" {cell}{}", " ".repeat(pad))
            })
            .collect();
        lines.push(format!("│{}│", cells.join("│")));
        if index == 0 {
            lines.push(rule("├", "┼", "┤"));
        }
    }
    lines.push(rule("└", "┴", "┘"));
    lines.join("\n")
}
