//! `URLSearchParams`: a list of pairs, linked to a `URL` where it came from one.

use super::bytes::{from_utf8, text, usv_string, well_formed};
use super::interface::{
    Interface, construct, for_each_of, iterator_method, list_of, receiver, require, require_new,
    type_error,
};
use super::pairs::{PairList, entries, for_each, keys, values};
use super::url::UrlObject;
use boa_engine::builtins::object::OrdinaryObject;
use boa_engine::builtins::proxy::Proxy;
use boa_engine::object::JsObject as Object;
use boa_engine::object::builtins::JsArray;
use boa_engine::property::PropertyKey;
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsString, JsValue, Trace, js_string,
};

/// A `URLSearchParams`.
#[derive(Debug, Trace, Finalize, JsData)]
pub struct SearchParams {
    #[unsafe_ignore_trace]
    pairs: Vec<(JsString, JsString)>,
    url: Option<Object<UrlObject>>,
}

impl PairList for SearchParams {
    fn pair(&self, index: usize) -> Option<(JsValue, JsValue)> {
        let (name, value) = self.pairs.get(index)?;
        Some((name.clone().into(), value.clone().into()))
    }
}

impl SearchParams {
    /// The empty list of a `URL`.
    pub fn of_url(url: Object<UrlObject>) -> Self {
        Self {
            pairs: Vec::new(),
            url: Some(url),
        }
    }

    /// Replaces the pairs by those of a query, which begins after its `?`.
    pub fn parse(&mut self, query: &str) {
        let decoded = form_urlencoded::parse(query.as_bytes());
        self.pairs = decoded
            .map(|(name, value)| (from_utf8(name.as_bytes()), from_utf8(value.as_bytes())))
            .collect();
    }

    fn serialize(&self) -> String {
        let mut serializer = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.pairs {
            serializer.append_pair(&text(name), &text(value));
        }
        serializer.finish()
    }
}

/// The class.
pub fn class(context: &mut Context) -> JsResult<JsObject> {
    let class = Interface::new("URLSearchParams", 0, new_params, context)
        .getter("size", size)
        .method("append", 2, append)
        .method("delete", 1, delete)
        .method("get", 1, get)
        .method("getAll", 1, get_all)
        .method("has", 1, has)
        .method("set", 2, set)
        .method("sort", 0, sort)
        .method("toString", 0, to_string)
        .method("entries", 0, entries::<SearchParams>)
        .method("forEach", 1, for_each::<SearchParams>)
        .method("keys", 0, keys::<SearchParams>)
        .method("values", 0, values::<SearchParams>)
        .iterate_by("entries")?;
    Ok(class.build::<SearchParams>())
}

/// Whether a value is a `URLSearchParams`: for the bodies of requests and responses.
pub fn is_search_params(_: &JsValue, arguments: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(receiver::<SearchParams>(arguments.get_or_undefined(0))
        .is_ok()
        .into())
}

fn new_params(
    new_target: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    require_new(new_target)?;
    let init = arguments.get_or_undefined(0);
    let mut params = SearchParams {
        pairs: Vec::new(),
        url: None,
    };
    if let Some(object) = init.as_object() {
        params.pairs = match iterator_method(&object, context)? {
            Some(method) => pairs_of_sequence(init, &method, context)?,
            None => pairs_of_record(&object, context)?,
        };
    } else if !init.is_undefined() {
        let query = usv_string(init, context)?;
        let query = text(&query);
        params.parse(query.strip_prefix('?').unwrap_or(&query));
    }
    Ok(construct(new_target, params, context)?.into())
}

fn pairs_of_sequence(
    value: &JsValue,
    method: &JsObject,
    context: &mut Context,
) -> JsResult<Vec<(JsString, JsString)>> {
    let mut pairs = Vec::new();
    for_each_of(value, method, context, |item, context| {
        let pair = list_of(&item, context)?;
        let [name, value] = pair.as_slice() else {
            return Err(type_error(
                "URLSearchParams: each item must be a pair of strings",
            ));
        };
        pairs.push((usv_string(name, context)?, usv_string(value, context)?));
        Ok(())
    })?;
    Ok(pairs)
}

fn pairs_of_record(
    object: &JsObject,
    context: &mut Context,
) -> JsResult<Vec<(JsString, JsString)>> {
    let mut pairs: Vec<(JsString, JsString)> = Vec::new();
    for key in object.own_property_keys(context)? {
        if !is_enumerable(object, &key, context)? {
            continue;
        }
        let name = match &key {
            PropertyKey::String(name) => name.clone(),
            PropertyKey::Index(index) => JsString::from(index.get()),
            PropertyKey::Symbol(_) => {
                return Err(type_error("URLSearchParams: a symbol cannot be a name"));
            }
        };
        let value = object.get(key, context)?;
        let value = usv_string(&value, context)?;
        let usv_name = well_formed(name.clone());
        // Two names can become one when their lone surrogates are replaced; the later value wins.
        if usv_name != name
            && let Some(pair) = pairs.iter_mut().find(|(known, _)| *known == usv_name)
        {
            pair.1 = value;
            continue;
        }
        pairs.push((usv_name, value));
    }
    Ok(pairs)
}

fn is_enumerable(object: &JsObject, key: &PropertyKey, context: &mut Context) -> JsResult<bool> {
    if !object.is::<Proxy>()
        && let Some(property) = object.borrow().properties().get(key)
    {
        return Ok(property.enumerable().unwrap_or(false));
    }
    let arguments = [object.clone().into(), key.clone().into()];
    let descriptor =
        OrdinaryObject::get_own_property_descriptor(&JsValue::undefined(), &arguments, context)?;
    match descriptor.as_object() {
        Some(descriptor) => Ok(descriptor
            .get(js_string!("enumerable"), context)?
            .to_boolean()),
        None => Ok(false),
    }
}

/// Changes the list, and the URL that it belongs to.
fn update(
    this: &Object<SearchParams>,
    change: impl FnOnce(&mut Vec<(JsString, JsString)>),
) -> JsValue {
    change(&mut this.borrow_mut().data_mut().pairs);
    let this = this.borrow();
    if let Some(url) = &this.data().url {
        url.borrow_mut()
            .data_mut()
            .set_query(&this.data().serialize());
    }
    JsValue::undefined()
}

/// The list, the name and, where given, the value that an operation is about.
fn operands(
    this: &JsValue,
    arguments: &[JsValue],
    count: usize,
    context: &mut Context,
) -> JsResult<(Object<SearchParams>, JsString, Option<JsString>)> {
    let this = receiver::<SearchParams>(this)?;
    require(arguments, count, "URLSearchParams")?;
    let name = usv_string(arguments.get_or_undefined(0), context)?;
    let value = arguments.get_or_undefined(1);
    let value = if count < 2 && value.is_undefined() {
        None
    } else {
        Some(usv_string(value, context)?)
    };
    Ok((this, name, value))
}

fn size(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let count = receiver::<SearchParams>(this)?.borrow().data().pairs.len();
    Ok(JsValue::from(count as f64))
}

fn append(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (this, name, value) = operands(this, arguments, 2, context)?;
    Ok(update(&this, |pairs| {
        pairs.push((name, value.unwrap_or_default()))
    }))
}

fn delete(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (this, name, value) = operands(this, arguments, 1, context)?;
    Ok(update(&this, |pairs| {
        pairs.retain(|pair| pair.0 != name || value.as_ref().is_some_and(|value| pair.1 != *value));
    }))
}

fn get(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let this = receiver::<SearchParams>(this)?;
    require(arguments, 1, "URLSearchParams.get")?;
    let name = usv_string(arguments.get_or_undefined(0), context)?;
    let this = this.borrow();
    let found = this.data().pairs.iter().find(|pair| pair.0 == name);
    Ok(found.map_or_else(JsValue::null, |pair| pair.1.clone().into()))
}

fn get_all(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let this = receiver::<SearchParams>(this)?;
    require(arguments, 1, "URLSearchParams.getAll")?;
    let name = usv_string(arguments.get_or_undefined(0), context)?;
    let found: Vec<JsValue> = {
        let this = this.borrow();
        let pairs = this.data().pairs.iter().filter(|pair| pair.0 == name);
        pairs.map(|pair| pair.1.clone().into()).collect()
    };
    Ok(JsArray::from_iter(found, context).into())
}

fn has(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (this, name, value) = operands(this, arguments, 1, context)?;
    let this = this.borrow();
    let found = this
        .data()
        .pairs
        .iter()
        .any(|pair| pair.0 == name && value.as_ref().is_none_or(|value| pair.1 == *value));
    Ok(found.into())
}

fn set(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (this, name, value) = operands(this, arguments, 2, context)?;
    let mut value = value;
    Ok(update(&this, |pairs| {
        pairs.retain_mut(|pair| {
            if pair.0 != name {
                return true;
            }
            // The first of that name takes the value; the others go.
            match value.take() {
                Some(value) => {
                    pair.1 = value;
                    true
                }
                None => false,
            }
        });
        if let Some(value) = value {
            pairs.push((name, value));
        }
    }))
}

fn sort(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let this = receiver::<SearchParams>(this)?;
    Ok(update(&this, |pairs| {
        pairs.sort_by(|a, b| a.0.as_str().iter().cmp(b.0.as_str().iter()));
    }))
}

fn to_string(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let this = receiver::<SearchParams>(this)?;
    let serialized = this.borrow().data().serialize();
    Ok(JsString::from(serialized).into())
}
