//! `URLPattern`, on the `urlpattern` crate, with the engine's own regular expressions for groups.

use super::bytes::{from_utf8, text, usv_string};
use super::interface::{Interface, construct, put, receiver, require_new, type_error};
use boa_engine::object::builtins::JsArray;
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsError, JsObject, JsResult, JsString, JsValue, Trace,
    js_string,
};
use std::borrow::Cow;
use std::cell::OnceCell;
use url::Url;
use urlpattern::quirks::{self, StringOrInit, UrlPatternInit};
use urlpattern::regexp::RegExp;
use urlpattern::{RegexSyntax, UrlPattern, UrlPatternComponentResult, UrlPatternOptions};

/// A regular expression of a component, compiled when first needed: most are never.
struct Expression {
    pattern: String,
    flags: &'static str,
    compiled: OnceCell<Option<regress::Regex>>,
}

impl Expression {
    fn compiled(&self) -> Option<&regress::Regex> {
        let compile = || regress::Regex::with_flags(&self.pattern, self.flags).ok();
        self.compiled.get_or_init(compile).as_ref()
    }
}

impl RegExp for Expression {
    fn syntax() -> RegexSyntax {
        RegexSyntax::EcmaScript
    }

    fn parse(pattern: &str, flags: &str, force_eval: bool) -> Result<Self, ()> {
        let expression = Self {
            pattern: pattern.to_owned(),
            // Of `v` alone the crate would allow escapes that mean nothing.
            flags: if flags.contains('i') { "uvi" } else { "uv" },
            compiled: OnceCell::new(),
        };
        if force_eval && expression.compiled().is_none() {
            return Err(());
        }
        Ok(expression)
    }

    fn matches<'a>(&self, text: &'a str) -> Option<Vec<Option<&'a str>>> {
        let found = self.compiled()?.find(text)?;
        let groups = found.groups().skip(1);
        Some(groups.map(|range| text.get(range?)).collect())
    }

    fn pattern_string(&self) -> &str {
        &self.pattern
    }
}

/// A `URLPattern`.
#[derive(Trace, Finalize, JsData)]
struct Pattern {
    #[unsafe_ignore_trace]
    pattern: UrlPattern<Expression>,
}

/// What a program gives to match, or to make a pattern of.
enum Input {
    Text(String),
    Parts(UrlPatternInit),
}

/// The class.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    let class = Interface::new("URLPattern", 0, new_pattern, context)
        .getter("protocol", protocol)
        .getter("username", username)
        .getter("password", password)
        .getter("hostname", hostname)
        .getter("port", port)
        .getter("pathname", pathname)
        .getter("search", search)
        .getter("hash", hash)
        .getter("hasRegExpGroups", has_reg_exp_groups)
        .method("test", 0, test)
        .method("exec", 0, exec)
        .build::<Pattern>();
    let natives = JsObject::with_object_proto(context.intrinsics());
    put(&natives, "URLPattern", class);
    Ok(natives)
}

fn thrown(error: &urlpattern::Error) -> JsError {
    type_error(error.to_string())
}

/// Web IDL's USVString of a member, when it has one.
fn member(object: &JsObject, name: &str, context: &mut Context) -> JsResult<Option<String>> {
    let value = object.get(JsString::from(name), context)?;
    if value.is_undefined() {
        return Ok(None);
    }
    let string = usv_string(&value, context)?;
    Ok(Some(text(&string).into_owned()))
}

impl Input {
    /// Web IDL's `(USVString or URLPatternInit)`; without a value it is the empty dictionary.
    fn of(value: &JsValue, context: &mut Context) -> JsResult<Self> {
        if value.is_null_or_undefined() {
            return Ok(Self::Parts(UrlPatternInit::default()));
        }
        let Some(object) = value.as_object() else {
            let string = usv_string(value, context)?;
            return Ok(Self::Text(text(&string).into_owned()));
        };
        Ok(Self::Parts(UrlPatternInit {
            base_url: member(&object, "baseURL", context)?,
            hash: member(&object, "hash", context)?,
            hostname: member(&object, "hostname", context)?,
            password: member(&object, "password", context)?,
            pathname: member(&object, "pathname", context)?,
            port: member(&object, "port", context)?,
            protocol: member(&object, "protocol", context)?,
            search: member(&object, "search", context)?,
            username: member(&object, "username", context)?,
        }))
    }

    fn pattern(
        self,
        base: Option<String>,
    ) -> Result<urlpattern::UrlPatternInit, urlpattern::Error> {
        match self {
            Self::Text(pattern) => {
                let base = base.map(|base| Url::parse(&base)).transpose();
                let base = base.map_err(urlpattern::Error::Url)?;
                urlpattern::UrlPatternInit::parse_constructor_string::<Expression>(&pattern, base)
            }
            Self::Parts(parts) => {
                quirks::process_construct_pattern_input(StringOrInit::Init(parts), base.as_deref())
            }
        }
    }

    /// The value as `exec` gives it back.
    fn to_value(&self, context: &mut Context) -> JsValue {
        let parts = match self {
            Self::Text(text) => return from_utf8(text.as_bytes()).into(),
            Self::Parts(parts) => parts,
        };
        let object = JsObject::with_object_proto(context.intrinsics());
        let members = [
            ("protocol", &parts.protocol),
            ("username", &parts.username),
            ("password", &parts.password),
            ("hostname", &parts.hostname),
            ("port", &parts.port),
            ("pathname", &parts.pathname),
            ("search", &parts.search),
            ("hash", &parts.hash),
            ("baseURL", &parts.base_url),
        ];
        for (name, part) in members {
            if let Some(part) = part {
                put(&object, name, from_utf8(part.as_bytes()));
            }
        }
        object.into()
    }
}

/// `new URLPattern(input, baseURL, options)` or `new URLPattern(input, options)`.
fn new_pattern(
    new_target: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    require_new(new_target)?;
    let second = arguments.get_or_undefined(1);
    let has_base = arguments.len() > 2 || !(second.is_object() || second.is_null_or_undefined());
    let input = Input::of(arguments.get_or_undefined(0), context)?;
    let base = match has_base {
        true => Some(text(&usv_string(second, context)?).into_owned()),
        false => None,
    };
    let options = arguments.get_or_undefined(if has_base { 2 } else { 1 });
    let ignore_case = match options.as_object() {
        Some(options) => options.get(js_string!("ignoreCase"), context)?.to_boolean(),
        None if options.is_null_or_undefined() => false,
        None => return Err(type_error("URLPattern: the options are not an object")),
    };
    let options = UrlPatternOptions {
        regex_syntax: RegexSyntax::EcmaScript,
        ignore_case,
    };
    let pattern = input
        .pattern(base)
        .and_then(|init| UrlPattern::parse(init, options))
        .map_err(|error| thrown(&error))?;
    Ok(construct(new_target, Pattern { pattern }, context)?.into())
}

/// A part of a pattern, as text.
fn part(this: &JsValue, part: fn(&UrlPattern<Expression>) -> &str) -> JsResult<JsValue> {
    let this = receiver::<Pattern>(this)?;
    let string = from_utf8(part(&this.borrow().data().pattern).as_bytes());
    Ok(string.into())
}

fn protocol(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, UrlPattern::protocol)
}

fn username(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, UrlPattern::username)
}

fn password(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, UrlPattern::password)
}

fn hostname(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, UrlPattern::hostname)
}

fn port(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, UrlPattern::port)
}

fn pathname(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, UrlPattern::pathname)
}

fn search(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, UrlPattern::search)
}

fn hash(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    part(this, UrlPattern::hash)
}

fn has_reg_exp_groups(this: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let this = receiver::<Pattern>(this)?;
    let has = this.borrow().data().pattern.has_regexp_groups();
    Ok(has.into())
}

/// The input of a call, its base, and how the pattern matches it.
type Match = (Input, Option<String>, Option<urlpattern::UrlPatternResult>);

fn matched(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<Match> {
    let this = receiver::<Pattern>(this)?;
    let input = Input::of(arguments.get_or_undefined(0), context)?;
    let base = match arguments.get_or_undefined(1) {
        base if base.is_undefined() => None,
        base => Some(text(&usv_string(base, context)?).into_owned()),
    };
    let given = match &input {
        Input::Text(text) => StringOrInit::String(Cow::Borrowed(text)),
        Input::Parts(parts) => StringOrInit::Init(parts.clone()),
    };
    let found = quirks::process_match_input(given, base.as_deref()).and_then(|given| {
        let Some((given, _)) = given else {
            return Ok(None);
        };
        this.borrow().data().pattern.exec(given)
    });
    let found = found.map_err(|error| thrown(&error))?;
    Ok((input, base, found))
}

fn test(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (_, _, found) = matched(this, arguments, context)?;
    Ok(found.is_some().into())
}

fn exec(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (input, base, found) = matched(this, arguments, context)?;
    let Some(found) = found else {
        return Ok(JsValue::null());
    };
    let result = JsObject::with_object_proto(context.intrinsics());
    let inputs = JsArray::new(context)?;
    inputs.push(input.to_value(context), context)?;
    if let Some(base) = base {
        inputs.push(from_utf8(base.as_bytes()), context)?;
    }
    put(&result, "inputs", inputs);
    let components = [
        ("protocol", found.protocol),
        ("username", found.username),
        ("password", found.password),
        ("hostname", found.hostname),
        ("port", found.port),
        ("pathname", found.pathname),
        ("search", found.search),
        ("hash", found.hash),
    ];
    for (name, component) in components {
        let component = component_value(component, context);
        put(&result, name, component);
    }
    Ok(result.into())
}

/// `{ input, groups }`, the groups by name.
fn component_value(component: UrlPatternComponentResult, context: &mut Context) -> JsObject {
    let groups = JsObject::with_object_proto(context.intrinsics());
    let mut named: Vec<_> = component.groups.into_iter().collect();
    named.sort_unstable();
    for (name, value) in named {
        let value = value.map(|value| JsValue::from(from_utf8(value.as_bytes())));
        put(&groups, &name, value.unwrap_or_default());
    }
    let object = JsObject::with_object_proto(context.intrinsics());
    put(&object, "input", from_utf8(component.input.as_bytes()));
    put(&object, "groups", groups);
    object
}
