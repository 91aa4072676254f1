//! The `Forward` of `Isolate.fetch`: what the kernel is to do with a request on its way, as data.

use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsObject, JsResult, JsValue, js_string};

use super::calls::{names, text};
use crate::wire::{CookieRules, Forward, Header, LocationRule, ResponseRules, RouteSpec};

type Changes = Vec<(String, Option<Vec<u8>>)>;

/// Reads it; `undefined` asks for nothing.
pub fn read(value: &JsValue, context: &mut Context) -> JsResult<Forward> {
    let Some(given) = value.as_object() else {
        return Ok(Forward::default());
    };
    let headers = changes(&property(&given, "request", context)?, context)?;
    let rules = match property(&given, "response", context)?.as_object() {
        Some(response) => rules(&response, context)?,
        None => ResponseRules::default(),
    };
    let route = match property(&given, "route", context)?.as_object() {
        Some(route) => Some(route_spec(&route, context)?),
        None => None,
    };
    Ok(Forward {
        headers,
        rules,
        route,
    })
}

/// Sets and removes headers.
pub fn set_headers(headers: &mut Vec<Header>, changes: &Changes) {
    for (name, value) in changes {
        headers.retain(|(known, _)| known != name);
        if let Some(value) = value {
            headers.push((name.clone(), value.clone()));
        }
    }
}

fn rules(response: &JsObject, context: &mut Context) -> JsResult<ResponseRules> {
    let mut rules = ResponseRules::default();
    if let Some(defaults) = property(response, "defaults", context)?.as_object() {
        rules.defaults = set(&property(&defaults, "headers", context)?, context)?;
        rules.defaults_unless = names(&property(&defaults, "unless", context)?, context)?;
    }
    rules.append = set(&property(response, "append", context)?, context)?;
    if let Some(cookies) = property(response, "cookies", context)?.as_object() {
        rules.cookies = Some(CookieRules {
            path: optional(&property(&cookies, "path", context)?, context)?.unwrap_or_default(),
            reserved: optional(&property(&cookies, "reserved", context)?, context)?,
        });
    }
    if let Some(location) = property(response, "location", context)?.as_object() {
        rules.location = Some(LocationRule {
            from: text(&property(&location, "from", context)?, context)?,
            to: text(&property(&location, "to", context)?, context)?,
        });
    }
    Ok(rules)
}

fn route_spec(route: &JsObject, context: &mut Context) -> JsResult<RouteSpec> {
    let revision = property(route, "revision", context)?.to_number(context)?;
    Ok(RouteSpec {
        from: text(&property(route, "from", context)?, context)?,
        to: text(&property(route, "to", context)?, context)?,
        except: optional(&property(route, "except", context)?, context)?,
        when: changes(&property(route, "when", context)?, context)?,
        revision: revision as u64,
    })
}

// A record of names in lower case; null stands for none.
fn changes(record: &JsValue, context: &mut Context) -> JsResult<Changes> {
    let Some(record) = record.as_object() else {
        return Ok(Vec::new());
    };
    let mut changes = Changes::new();
    for key in record.own_property_keys(context)? {
        let PropertyKey::String(name) = &key else {
            continue;
        };
        let name = name.to_std_string_lossy().to_ascii_lowercase();
        let value = optional(&record.get(key, context)?, context)?;
        changes.push((name, value.map(String::into_bytes)));
    }
    Ok(changes)
}

fn set(record: &JsValue, context: &mut Context) -> JsResult<Vec<Header>> {
    let changes = changes(record, context)?.into_iter();
    Ok(changes
        .filter_map(|(name, value)| Some((name, value?)))
        .collect())
}

fn property(object: &JsObject, name: &str, context: &mut Context) -> JsResult<JsValue> {
    object.get(js_string!(name), context)
}

fn optional(value: &JsValue, context: &mut Context) -> JsResult<Option<String>> {
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    text(value, context).map(Some)
}
