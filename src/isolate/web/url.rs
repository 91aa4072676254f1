//! `URL`, on the `url` crate: an object holds the parsed form, so that its parts are slices of it.

use super::bytes::{text, usv_string};
use super::interface::{
    Interface, construct, create, function, put, receiver, require, require_new, type_error,
};
use super::pairs;
use super::search_params::{self, SearchParams};
use boa_engine::object::JsObject as Object;
use boa_engine::{Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsString, JsValue, Trace};
use url::{Url, quirks};

/// A `URL`.
#[derive(Debug, Trace, Finalize, JsData)]
pub struct UrlObject {
    #[unsafe_ignore_trace]
    url: Url,
    // Made when first asked for; from then on the two follow each other.
    params: Option<Object<SearchParams>>,
}

impl UrlObject {
    /// Takes over the list of a linked `URLSearchParams`.
    pub fn set_query(&mut self, query: &str) {
        self.url
            .set_query(if query.is_empty() { None } else { Some(query) });
    }
}

/// The classes `URL` and `URLSearchParams`.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    pairs::iterators::<SearchParams>("URLSearchParams", context);
    let params = search_params::class(context)?;
    let url = Interface::new("URL", 1, new_url, context)
        .static_method("parse", 1, parse)
        .static_method("canParse", 1, can_parse)
        .accessor("href", href, set_href)
        .getter("origin", origin)
        .accessor("protocol", protocol, set_protocol)
        .accessor("username", username, set_username)
        .accessor("password", password, set_password)
        .accessor("host", host, set_host)
        .accessor("hostname", hostname, set_hostname)
        .accessor("port", port, set_port)
        .accessor("pathname", pathname, set_pathname)
        .accessor("search", search, set_search)
        .getter("searchParams", params_of)
        .accessor("hash", hash, set_hash)
        .method("toString", 0, href)
        .method("toJSON", 0, href)
        .build::<UrlObject>();
    let natives = JsObject::with_object_proto(context.intrinsics());
    put(&natives, "URL", url);
    put(&natives, "URLSearchParams", params);
    let is_params = function(
        "isURLSearchParams",
        1,
        search_params::is_search_params,
        context,
    );
    put(&natives, "isURLSearchParams", is_params);
    Ok(natives)
}

/// The serialised form of a value that is a `URL`.
#[must_use]
pub fn href_of(value: &JsValue) -> Option<String> {
    let url = receiver::<UrlObject>(value).ok()?;
    let href = url.borrow().data().url.as_str().to_owned();
    Some(href)
}

fn new_url(
    new_target: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    require_new(new_target)?;
    require(arguments, 1, "URL constructor")?;
    match parsed(arguments, context)? {
        Ok(url) => Ok(construct(new_target, UrlObject { url, params: None }, context)?.into()),
        Err(input) => Err(type_error(format!("Invalid URL: '{}'", shortened(&input)))),
    }
}

fn parse(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    require(arguments, 1, "URL.parse")?;
    match parsed(arguments, context)? {
        Ok(url) => Ok(create(UrlObject { url, params: None }, context).into()),
        Err(_) => Ok(JsValue::null()),
    }
}

fn can_parse(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    require(arguments, 1, "URL.canParse")?;
    Ok(parsed(arguments, context)?.is_ok().into())
}

/// Parses the arguments `(url, base)`; gives back the text that did not parse.
fn parsed(arguments: &[JsValue], context: &mut Context) -> JsResult<Result<Url, JsString>> {
    let input = usv_string(arguments.get_or_undefined(0), context)?;
    let base = arguments.get_or_undefined(1);
    let base = if base.is_undefined() {
        None
    } else {
        let base = usv_string(base, context)?;
        match Url::parse(&text(&base)) {
            Ok(base) => Some(base),
            Err(_) => return Ok(Err(base)),
        }
    };
    let url = Url::options().base_url(base.as_ref()).parse(&text(&input));
    Ok(url.map_err(|_| input))
}

fn shortened(input: &JsString) -> String {
    // A message is read by people: enough to recognise the URL.
    const CHARS_MAX: usize = 200;
    text(input).chars().take(CHARS_MAX).collect()
}

fn part(this: &JsValue, part: impl FnOnce(&Url) -> JsString) -> JsResult<JsValue> {
    let this = receiver::<UrlObject>(this)?;
    let this = this.borrow();
    Ok(part(&this.data().url).into())
}

fn change(
    this: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
    // A value that does not fit leaves the URL as it is, as the standard wants.
    change: impl FnOnce(&mut Url, &str),
) -> JsResult<JsValue> {
    let this = receiver::<UrlObject>(this)?;
    let value = usv_string(arguments.get_or_undefined(0), context)?;
    change(&mut this.borrow_mut().data_mut().url, &text(&value));
    Ok(JsValue::undefined())
}

fn href(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::href(url).into())
}

fn set_href(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let this = receiver::<UrlObject>(this)?;
    let value = usv_string(arguments.get_or_undefined(0), context)?;
    let Ok(url) = Url::parse(&text(&value)) else {
        return Err(type_error(format!("Invalid URL: '{}'", shortened(&value))));
    };
    this.borrow_mut().data_mut().url = url;
    refresh_params(&this);
    Ok(JsValue::undefined())
}

fn set_search(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(this, arguments, context, quirks::set_search)?;
    refresh_params(&receiver::<UrlObject>(this)?);
    Ok(JsValue::undefined())
}

fn origin(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::origin(url).into())
}

fn protocol(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::protocol(url).into())
}

fn set_protocol(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(this, arguments, context, |url, value| {
        quirks::set_protocol(url, value).unwrap_or_default()
    })
}

fn username(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::username(url).into())
}

fn set_username(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(this, arguments, context, |url, value| {
        quirks::set_username(url, value).unwrap_or_default()
    })
}

fn password(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::password(url).into())
}

fn set_password(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(this, arguments, context, |url, value| {
        quirks::set_password(url, value).unwrap_or_default()
    })
}

fn host(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::host(url).into())
}

fn set_host(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(this, arguments, context, |url, value| {
        quirks::set_host(url, value).unwrap_or_default()
    })
}

fn hostname(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::hostname(url).into())
}

fn set_hostname(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(this, arguments, context, |url, value| {
        quirks::set_hostname(url, value).unwrap_or_default()
    })
}

fn port(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::port(url).into())
}

fn set_port(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(this, arguments, context, |url, value| {
        // Nothing but what the parser drops is no port; only the empty string removes it.
        if value.is_empty() || !value.bytes().all(|byte| matches!(byte, 9 | 10 | 13)) {
            quirks::set_port(url, value).unwrap_or_default();
        }
    })
}

fn pathname(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::pathname(url).into())
}

fn set_pathname(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(this, arguments, context, quirks::set_pathname)
}

fn search(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::search(url).into())
}

fn hash(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, |url| quirks::hash(url).into())
}

fn set_hash(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    change(this, arguments, context, quirks::set_hash)
}

fn refresh_params(this: &Object<UrlObject>) {
    let this = this.borrow();
    let UrlObject { url, params } = this.data();
    if let Some(params) = params {
        params
            .borrow_mut()
            .data_mut()
            .parse(url.query().unwrap_or_default());
    }
}

fn params_of(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let this = receiver::<UrlObject>(this)?;
    let made = this.borrow().data().params.clone();
    if let Some(params) = made {
        return Ok(params.upcast().into());
    }
    let mut list = SearchParams::of_url(this.clone());
    list.parse(this.borrow().data().url.query().unwrap_or_default());
    let params = create(list, context);
    this.borrow_mut().data_mut().params = params.clone().downcast::<SearchParams>().ok();
    Ok(params.into())
}
