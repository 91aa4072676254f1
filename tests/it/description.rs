//! The description of the API, `/api/openapi.json`: that answers are as it says (`Town::api` looks
//! at every one), and that whoever calls is let in or refused as it says.

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::api::{account, as_who, make_as, read};
use crate::serving::id;
use crate::town::Town;

/// What is wrong with an answer, seen from the description.
pub fn fault(
    spec: &Value,
    method: &Method,
    path: &str,
    status: u16,
    body: &Value,
) -> Option<String> {
    let path = path.split('?').next()?.strip_prefix("/api")?;
    let operation = operation(spec, method, path)?;
    let answers = &operation["responses"];
    let answer = match &answers[status.to_string()] {
        Value::Null if status >= 400 => &answers["default"],
        Value::Null => return Some(format!("no status {status} is described")),
        known => known,
    };
    let schema = &answer["content"]["application/json"]["schema"];
    if schema.is_null() {
        let bytes = answer["content"].get("*/*").is_some();
        return (!bytes && *body != json!("")).then(|| "no body is described".to_string());
    }
    mismatch(spec, schema, body, "").map(|why| format!("{why} in {body}"))
}

/// The operation of a path: one without parameters comes before one that has some.
fn operation<'a>(spec: &'a Value, method: &Method, path: &str) -> Option<&'a Value> {
    let method = method.as_str().to_lowercase();
    let fits = |template: &&String| {
        let rest = template.ends_with("{rest}");
        let parts: Vec<&str> = template.split('/').collect();
        let given: Vec<&str> = path.split('/').collect();
        (given.len() == parts.len() || (rest && given.len() > parts.len()))
            && parts
                .iter()
                .zip(&given)
                .all(|(part, given)| part.starts_with('{') || part == given)
    };
    let paths = spec["paths"].as_object()?;
    let found = paths
        .keys()
        .filter(fits)
        .filter(|path| paths[*path].get(&method).is_some());
    let found = found.min_by_key(|path| path.matches('{').count())?;
    paths[found].get(&method)
}

/// Why a value does not fit a schema: the part of JSON Schema that the description uses.
fn mismatch(spec: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let found = spec
            .pointer(name.trim_start_matches('#'))
            .expect("a named schema");
        return mismatch(spec, found, value, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let faults = any.iter().map(|one| mismatch(spec, one, value, at));
        return faults
            .collect::<Option<Vec<String>>>()
            .map(|faults| faults.join(" and "));
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    if !types.is_empty()
        && !types
            .iter()
            .any(|one| is(value, one.as_str().expect("text")))
    {
        return Some(format!("{at} is not {}", schema["type"]));
    }
    if value.is_null() {
        return None;
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|values| !values.contains(value))
    {
        return Some(format!("{at} is none of {}", schema["enum"]));
    }
    if let Some(format) = schema["format"].as_str() {
        let text = value.as_str().unwrap_or_default();
        let fits = match format {
            "uuid" => text.len() == 36 && text.split('-').count() == 5,
            "date-time" => text.len() == 24 && text.ends_with('Z'),
            "uri" => url::Url::parse(text).is_ok(),
            _ => true,
        };
        if !fits {
            return Some(format!("{at} is no {format}"));
        }
    }
    if let Some(items) = value.as_array() {
        let mut each = items.iter().enumerate();
        return each.find_map(|(index, item)| {
            mismatch(spec, &schema["items"], item, &format!("{at}[{index}]"))
        });
    }
    let members = value.as_object()?;
    if let Some(missing) = schema["required"].as_array().and_then(|names| {
        names
            .iter()
            .find(|name| !members.contains_key(name.as_str().unwrap_or_default()))
    }) {
        return Some(format!("{at} lacks {missing}"));
    }
    let none = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&none);
    members.iter().find_map(|(name, member)| {
        let at = format!("{at}.{name}");
        match (known.get(name), &schema["additionalProperties"]) {
            (Some(schema), _) => mismatch(spec, schema, member, &at),
            (None, Value::Bool(false)) => Some(format!("{at} is not described")),
            (None, schema) => mismatch(spec, schema, member, &at),
        }
    })
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    }
}

#[tokio::test]
async fn an_answer_that_is_not_as_described_is_noticed() {
    let town = Town::start().await;
    let spec = read(&town, "/api/openapi.json").await;
    assert_eq!(spec["openapi"], "3.1.0");
    let me = read(&town, "/api/v1/me").await;
    let see = |status: u16, body: &Value| fault(&spec, &Method::GET, "/api/v1/me", status, body);
    assert_eq!(see(200, &me), None);
    assert!(see(202, &me).is_some(), "another status");
    for (member, value) in [
        ("username", json!(7)),
        ("id", json!("no uuid")),
        ("tier", json!("gold")),
        ("extra", json!(1)),
        ("links", json!({})),
    ] {
        let mut other = me.clone();
        other[member] = value;
        assert!(see(200, &other).is_some(), "{other}");
    }
    assert_eq!(see(401, &json!({ "message": "a", "code": "b" })), None);
    assert!(
        see(401, &json!("Sign in")).is_some(),
        "an error of another form"
    );
    let list = json!({ "data": [{}], "links": { "self": town.base } });
    assert!(
        fault(&spec, &Method::GET, "/api/v2/vals", 200, &list).is_some(),
        "deep inside"
    );
}

#[tokio::test]
async fn the_description_covers_every_route_and_names_each_once() {
    let town = Town::start().await;
    let spec = read(&town, "/api/openapi.json").await;
    let mut ids = Vec::new();
    for (path, operations) in spec["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            ids.push(
                operation["operationId"]
                    .as_str()
                    .expect("an id")
                    .to_string(),
            );
            assert!(
                operation["summary"]
                    .as_str()
                    .is_some_and(|text| text.len() > 4),
                "{method} {path}"
            );
            for parameter in operation["parameters"].as_array().expect("parameters") {
                let given = parameter["in"] != "path"
                    || path.contains(&format!(
                        "{{{}}}",
                        parameter["name"].as_str().expect("text")
                    ));
                assert!(given, "{method} {path}: {parameter}");
            }
        }
    }
    let routes = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), routes, "an id is there twice");
    // The table itself says how many there are: a method that is none of a path lists those that are.
    for (path, operations) in spec["paths"].as_object().expect("paths") {
        let some = path
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part });
        let at = format!("/api{}", some.collect::<Vec<_>>().join("/"));
        let answer = town
            .request(Method::TRACE, &at)
            .send()
            .await
            .expect("an answer");
        let Some(allowed) = answer.headers().get("allow") else {
            continue;
        };
        let allowed = allowed.to_str().expect("text").to_string();
        for method in operations.as_object().expect("operations").keys() {
            assert!(
                allowed.contains(&method.to_uppercase()),
                "{method} {path}: {allowed}"
            );
        }
    }
}

/// Who asks, and with what.
struct Asker {
    name: &'static str,
    token: Option<String>,
}

/// Whether a status is what the description promises to that asker: `None` where it says nothing.
fn expected(access: &str, scoped: bool, who: &str, private: bool) -> Option<&'static [u16]> {
    let hidden: &[u16] = if private { &[404] } else { &[403] };
    Some(match (access, who) {
        (_, "a bad token" | "no scope") if !scoped => return None,
        (_, "a bad token") => &[401],
        (_, "no scope") => &[403],
        ("anybody", _) => return None,
        ("reader", "the author") | ("author", "the author") => return None,
        ("reader", _) if private => &[404],
        ("reader", _) => return None,
        (_, "nobody") => &[401],
        ("author", _) => hidden,
        ("owner", "the author" | "another") => &[403],
        _ => return None,
    })
}

/// One choke point decides, and this asks it everything: each route, as each kind of asker, on vals
/// of each privacy. Where the table promises nothing, it must not be a refusal to who they are.
#[tokio::test]
async fn who_may_call_what_is_what_the_description_says() {
    let town = Town::start().await;
    let bob = account(&town, "bob").await;
    let mallory = account(&town, "mallory").await;
    let spec = read(&town, "/api/openapi.json").await;
    let main = "export default () => new Response('')";
    let mut vals = Vec::new();
    for privacy in ["public", "unlisted", "private"] {
        vals.push((privacy, make_as(&town, &bob, privacy, privacy, main).await));
    }
    let mut cases = Vec::new();
    for (path, operations) in spec["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let access = operation["x-access"].as_str().expect("who may");
            // What a val may be asked is asked of each kind of val; the rest is asked once.
            let of_val = path.contains("/vals/{id}");
            let vals = if of_val { &vals[..] } else { &vals[..1] };
            for (privacy, val) in vals {
                cases.push((
                    path,
                    method.to_uppercase(),
                    operation,
                    access,
                    of_val && *privacy == "private",
                    val,
                ));
            }
        }
    }
    assert!(cases.len() > 150, "{}", cases.len());
    let scopes: Vec<String> = {
        let enum_of = spec
            .pointer("/components/schemas/Token/properties/scopes/items/enum")
            .expect("the scopes");
        let names = enum_of.as_array().expect("a list").iter();
        names
            .map(|name| name.as_str().expect("text").to_string())
            .filter(|name| name != "*")
            .collect()
    };
    // A token for each scope that has all the others.
    let mut without = std::collections::BTreeMap::new();
    for lacking in &scopes {
        let rest: Vec<&String> = scopes.iter().filter(|scope| *scope != lacking).collect();
        let body = json!({ "name": lacking, "scopes": rest });
        let made = as_who(
            &town,
            Some(&bob),
            Method::POST,
            "/api/town/tokens",
            Some(body),
        )
        .await;
        assert_eq!(made.0, 201, "{}", made.1);
        without.insert(
            lacking.clone(),
            made.1["secret"].as_str().expect("a secret").to_string(),
        );
    }
    let mut requests = Vec::new();
    for (path, method, operation, access, private, val) in &cases {
        let scope = operation["security"].as_array().and_then(|all| {
            all.iter()
                .find_map(|one| one["token"].get(0)?.as_str().map(str::to_string))
        });
        let mut askers = vec![
            Asker {
                name: "nobody",
                token: None,
            },
            Asker {
                name: "a bad token",
                token: Some("nonsense".into()),
            },
            Asker {
                name: "another",
                token: Some(mallory.clone()),
            },
        ];
        if let Some(scope) = &scope {
            askers.push(Asker {
                name: "no scope",
                token: without.get(scope).cloned(),
            });
        }
        // The owner of the town is anybody else where vals of others are concerned.
        if path.contains("/vals/{id}") {
            askers.push(Asker {
                name: "the owner",
                token: Some(crate::town::TOKEN.into()),
            });
            askers.push(Asker {
                name: "the author",
                token: Some(bob.clone()),
            });
        }
        for asker in askers {
            if let Some(statuses) = expected(access, scope.is_some(), asker.name, *private) {
                requests.push((
                    address(path, val),
                    method.clone(),
                    asker,
                    statuses.to_vec(),
                    true,
                ));
            } else {
                let harmless = method == "GET" || asker.name != "the author";
                if harmless && scope.is_some() {
                    requests.push((
                        address(path, val),
                        method.clone(),
                        asker,
                        vec![401, 403],
                        false,
                    ));
                }
            }
        }
    }
    assert!(requests.len() > 500, "{}", requests.len());
    let town = &town;
    let faults: Vec<String> = futures_util::stream::iter(requests)
        .map(|(path, method, asker, statuses, wanted)| async move {
            let parsed = Method::from_bytes(method.as_bytes()).expect("a method");
            let body = (method != "GET").then(|| json!({}));
            let (status, answer) = as_who(town, asker.token.as_deref(), parsed, &path, body).await;
            let right = statuses.contains(&status) == wanted && status < 500;
            let words = if wanted { "should be" } else { "should not be" };
            (!right).then(|| {
                format!(
                    "{method} {path} as {}: {status} {words} {statuses:?}: {answer}",
                    asker.name
                )
            })
        })
        .buffer_unordered(8)
        .filter_map(|fault| async { fault })
        .collect()
        .await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for (privacy, val) in &vals {
        let (status, _) = as_who(
            town,
            Some(&bob),
            Method::GET,
            &format!("/api/v2/vals/{}", id(val)),
            None,
        )
        .await;
        assert_eq!(status, 200, "nobody deleted the {privacy} one");
    }
}

/// A path with its parameters filled in: of that val, or of something that is not there.
fn address(path: &str, val: &Value) -> String {
    let filled = path
        .replace("{id}", id(val))
        .replace("{file}", val["files"][0]["id"].as_str().expect("an id"));
    let filled = filled
        .replace("{username}", "bob")
        .replace("{name}", val["name"].as_str().expect("a name"));
    let mut parts = filled.split('/').map(|part| match part {
        part if part.starts_with('{') => "00000000-0000-4000-8000-000000000000",
        part => part,
    });
    let mut whole = String::from("/api");
    whole.push_str(parts.next().unwrap_or_default());
    for part in parts {
        whole.push('/');
        whole.push_str(part);
    }
    whole
}
