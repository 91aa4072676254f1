//! Routes: how a program lets the kernel hand requests on to a program below, without being asked.
//!
//! A route is what the program did with one request, as data. It holds for as long as nothing was
//! committed to the program's storage, from which it was decided.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::{ROUTE_SEGMENTS_MAX, ROUTE_SHAPES_MAX, ROUTES_MAX};
use crate::wire::{Header, RequestHead, ResponseRules, RouteSpec};

/// Methods whose requests are handed on; others, as preflights, are the program's to answer.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// One route.
#[derive(Debug)]
pub struct Route {
    /// What the program below is known by.
    pub id: String,
    pub rules: ResponseRules,
    spec: RouteSpec,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The routes of one program.
#[derive(Debug, Default)]
pub struct Routes {
    revision: u64,
    // The lists of header names that routes ask for: all routes are decided by a few of them.
    shapes: Vec<Vec<String>>,
    by_key: HashMap<Key, Arc<Route>>,
}

// How URLs begin, by which shape, and the values of its headers.
type Key = (String, usize, Vec<Option<Vec<u8>>>);

impl Route {
    /// A route to the program of that id. `headers` are set or, without a value, removed.
    pub fn new(
        id: String,
        spec: RouteSpec,
        headers: Vec<(String, Option<Vec<u8>>)>,
        rules: ResponseRules,
    ) -> Self {
        Self {
            id,
            rules,
            spec,
            headers,
        }
    }

    // Whether the program wants to be asked about what follows its beginning.
    fn excepts(&self, rest: &str) -> bool {
        let Some(except) = &self.spec.except else {
            return false;
        };
        let below = rest.strip_prefix(except.as_str());
        below.is_some_and(|below| below.is_empty() || below.starts_with(['/', '?', '#']))
    }

    /// The request as the program below gets it.
    pub fn forward(&self, mut head: RequestHead) -> RequestHead {
        let rest = head.url.get(self.spec.from.len()..).unwrap_or_default();
        let slash = if rest.starts_with('/') { "" } else { "/" };
        head.url = format!("{}{slash}{rest}", self.spec.to);
        for (name, value) in &self.headers {
            head.headers.retain(|(known, _)| known != name);
            if let Some(value) = value {
                head.headers.push((name.clone(), value.clone()));
            }
        }
        head
    }
}

impl Routes {
    /// Adds a route where the revision by which the program decided it is still `revision`.
    pub fn add(&mut self, route: Route, revision: u64) {
        if route.spec.revision != revision {
            return;
        }
        if self.revision != revision || self.by_key.len() >= ROUTES_MAX {
            self.clear();
            self.revision = revision;
        }
        let (names, values): (Vec<String>, _) = route.spec.when.iter().cloned().unzip();
        let shape = match self.shapes.iter().position(|known| *known == names) {
            Some(shape) => shape,
            None if self.shapes.len() >= ROUTE_SHAPES_MAX => return,
            None => {
                self.shapes.push(names);
                self.shapes.len() - 1
            }
        };
        let key = (route.spec.from.clone(), shape, values);
        self.by_key.insert(key, Arc::new(route));
    }

    /// The route for a request, if one still holds.
    pub fn find(&mut self, head: &RequestHead, revision: u64) -> Option<Arc<Route>> {
        if self.by_key.is_empty() {
            return None;
        }
        if self.revision != revision {
            self.clear();
            return None;
        }
        if !METHODS.contains(&head.method.as_str()) {
            return None;
        }
        self.shapes.iter().enumerate().find_map(|(shape, names)| {
            let values = values(names, &head.headers)?;
            let mut key: Key = (String::new(), shape, values);
            starts(&head.url).find_map(|start| {
                key.0.clear();
                key.0.push_str(start);
                let route = self.by_key.get(&key)?;
                (!route.excepts(&head.url[start.len()..])).then(|| route.clone())
            })
        })
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.by_key.clear();
        self.shapes.clear();
    }
}

// `None` where a header comes twice: no route asks for that.
fn values(names: &[String], headers: &[Header]) -> Option<Vec<Option<Vec<u8>>>> {
    let value = |name: &String| {
        let mut found = headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.clone());
        found.next().is_none().then_some(value)
    };
    names.iter().map(value).collect()
}

// The beginnings of a URL that end where its origin or a segment of its path does.
fn starts(url: &str) -> impl Iterator<Item = &str> {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let address = &url[..end];
    let origin = address.find("://").map_or(0, |at| at + "://".len());
    let cuts = address[origin..]
        .match_indices('/')
        .map(move |(at, _)| origin + at)
        .chain([end]);
    cuts.take(ROUTE_SEGMENTS_MAX).map(|cut| &url[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, url: &str, headers: &[(&str, &str)]) -> RequestHead {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_string(), value.as_bytes().to_vec()))
            .collect();
        RequestHead {
            method: method.into(),
            url: url.into(),
            headers,
        }
    }

    fn route(from: &str, when: &[(&str, Option<&str>)]) -> Route {
        let when = when
            .iter()
            .map(|(name, value)| {
                let value = value.map(|value| value.as_bytes().to_vec());
                ((*name).to_string(), value)
            })
            .collect();
        let spec = RouteSpec {
            from: from.into(),
            to: "http://inner".into(),
            except: None,
            when,
            revision: 7,
        };
        let headers = vec![
            ("x-mount".into(), Some(b"/a".to_vec())),
            ("cookie".into(), None),
        ];
        Route::new("one".into(), spec, headers, ResponseRules::default())
    }

    #[test]
    fn a_route_takes_what_begins_with_its_start_at_the_end_of_a_segment() {
        let mut routes = Routes::default();
        routes.add(route("http://h/run/a", &[]), 7);
        let found = |url: &str, routes: &mut Routes| {
            routes
                .find(&head("GET", url, &[]), 7)
                .map(|route| route.forward(head("GET", url, &[])).url)
        };
        let inner = |path: &str| Some(format!("http://inner{path}"));
        assert_eq!(found("http://h/run/a", &mut routes), inner("/"));
        assert_eq!(
            found("http://h/run/a/b?c=/d", &mut routes),
            inner("/b?c=/d")
        );
        assert_eq!(found("http://h/run/a?x", &mut routes), inner("/?x"));
        assert_eq!(found("http://h/run/ab", &mut routes), None);
        assert_eq!(found("http://h/?/run/a", &mut routes), None);
        assert_eq!(found("http://g/run/a", &mut routes), None);
        let mut but_for = route("http://h/run/a", &[]);
        but_for.spec.except = Some("/@own".into());
        routes.add(but_for, 7);
        for asked in ["/@own", "/@own/", "/@own/b", "/@own?c"] {
            let url = format!("http://h/run/a{asked}");
            assert_eq!(found(&url, &mut routes), None, "{url}");
        }
        assert_eq!(
            found("http://h/run/a/@owner", &mut routes),
            inner("/@owner")
        );
        assert_eq!(
            found("http://h/run/a/b/@own", &mut routes),
            inner("/b/@own")
        );
    }

    #[test]
    fn a_commit_ends_every_route_and_refuses_those_decided_before_it() {
        let mut routes = Routes::default();
        let asked = head("GET", "http://h/", &[]);
        routes.add(route("http://h", &[]), 8);
        assert!(routes.find(&asked, 8).is_none());
        routes.add(route("http://h", &[]), 7);
        assert!(routes.find(&asked, 7).is_some());
        assert!(routes.find(&asked, 8).is_none());
        assert!(routes.find(&asked, 7).is_none());
    }

    #[test]
    fn a_route_asks_for_the_headers_it_was_decided_by() {
        let mut routes = Routes::default();
        routes.add(
            route("http://h", &[("x-prefix", Some("/a")), ("cookie", None)]),
            7,
        );
        let mut found = |method: &str, headers: &[(&str, &str)]| {
            routes
                .find(&head(method, "http://h/", headers), 7)
                .is_some()
        };
        assert!(found("GET", &[("x-prefix", "/a")]));
        assert!(!found("GET", &[]));
        assert!(!found("GET", &[("x-prefix", "/b")]));
        assert!(!found("GET", &[("x-prefix", "/a"), ("x-prefix", "/a")]));
        assert!(!found("GET", &[("x-prefix", "/a"), ("cookie", "a=b")]));
        assert!(!found("OPTIONS", &[("x-prefix", "/a")]));
    }

    #[test]
    fn a_forwarded_request_has_the_headers_that_the_program_sets() {
        let asked = head(
            "GET",
            "http://h/",
            &[("x-mount", "/evil"), ("cookie", "a=b")],
        );
        let forwarded = route("http://h", &[]).forward(asked);
        assert_eq!(forwarded.headers, [("x-mount".to_string(), b"/a".to_vec())]);
    }

    #[test]
    fn routes_are_bounded() {
        let mut routes = Routes::default();
        for number in 0..ROUTES_MAX + 10 {
            routes.add(route(&format!("http://h{number}"), &[]), 7);
        }
        assert!(routes.by_key.len() <= ROUTES_MAX);
        let mut shapes = Routes::default();
        for number in 0..100 {
            shapes.add(route("http://h", &[(&format!("x-{number}"), None)]), 7);
        }
        assert_eq!(shapes.by_key.len(), ROUTE_SHAPES_MAX);
    }
}
