//! What a program has the kernel change in a response that it hands on.

use crate::wire::{CookieRules, Header, LocationRule, ResponseRules};

const SET_COOKIE: &str = "set-cookie";
const LOCATION: &str = "location";

impl ResponseRules {
    /// Applies them.
    pub fn apply(&self, headers: &mut Vec<Header>) {
        let has = |name: &String| headers.iter().any(|(known, _)| known == name);
        if !self.defaults_unless.iter().any(has) {
            for (name, value) in &self.defaults {
                headers.retain(|(known, _)| known != name);
                headers.push((name.clone(), value.clone()));
            }
        }
        headers.extend(self.append.iter().cloned());
        if let Some(cookies) = &self.cookies {
            cookies.apply(headers);
        }
        if let Some(rule) = &self.location {
            rule.apply(headers);
        }
    }
}

impl LocationRule {
    fn apply(&self, headers: &mut [Header]) {
        let from = self.from.as_bytes();
        for (_, value) in headers.iter_mut().filter(|(name, _)| name == LOCATION) {
            let Some(rest) = value.strip_prefix(from) else {
                continue;
            };
            if matches!(rest.first(), None | Some(b'/' | b'?' | b'#')) {
                *value = [self.to.as_bytes(), rest].concat();
            }
        }
    }
}

impl CookieRules {
    fn apply(&self, headers: &mut Vec<Header>) {
        if !headers.iter().any(|(name, _)| name == SET_COOKIE) {
            return;
        }
        let given = std::mem::take(headers);
        headers.extend(given.into_iter().filter_map(|(name, value)| {
            if name == SET_COOKIE {
                let line = self.confined(&String::from_utf8_lossy(&value))?;
                Some((name, line.into_bytes()))
            } else {
                Some((name, value))
            }
        }));
    }

    // RFC 6265, section 5.2: attributes are parted by semicolons, names have no case.
    fn confined(&self, line: &str) -> Option<String> {
        let mut parts = line.split(';');
        let pair = parts.next().unwrap_or_default();
        let name = pair.split('=').next().unwrap_or_default().trim();
        if self
            .reserved
            .as_ref()
            .is_some_and(|reserved| reserved.eq_ignore_ascii_case(name))
        {
            return None;
        }
        let mut path = self.path.as_str();
        let mut kept = pair.to_string();
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let key = key.trim();
            if key.eq_ignore_ascii_case("domain") {
                continue;
            }
            if key.eq_ignore_ascii_case("path") && !self.path.is_empty() {
                let value = value.trim();
                let below = value.strip_prefix(&self.path);
                if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                    path = value;
                }
                continue;
            }
            kept.push(';');
            kept.push_str(part);
        }
        if !path.is_empty() {
            kept.push_str("; Path=");
            kept.push_str(path);
        }
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Header {
        (name.into(), value.into())
    }

    #[test]
    fn a_redirect_to_what_is_elsewhere_stays_as_it_is() {
        let rules = ResponseRules {
            location: Some(LocationRule {
                from: "http://own".into(),
                to: "http://host/run/a".into(),
            }),
            ..ResponseRules::default()
        };
        let cases = [
            ("http://own/x?y", "http://host/run/a/x?y"),
            ("http://own", "http://host/run/a"),
            ("http://own?y", "http://host/run/a?y"),
            ("http://owner/x", "http://owner/x"),
            ("/x", "/x"),
            ("https://own/x", "https://own/x"),
        ];
        for (given, expected) in cases {
            let mut headers = vec![header("location", given), header("x", given)];
            rules.apply(&mut headers);
            let kept = [header("location", expected), header("x", given)];
            assert_eq!(headers, kept);
        }
    }

    #[test]
    fn defaults_give_way_to_any_header_of_their_group() {
        let rules = ResponseRules {
            defaults: vec![header("access-control-allow-origin", "*")],
            defaults_unless: vec!["access-control-max-age".into()],
            append: vec![header("x-fence", "on")],
            cookies: None,
            location: None,
        };
        let mut plain = vec![header("x", "1")];
        rules.apply(&mut plain);
        let names: Vec<&str> = plain.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x", "access-control-allow-origin", "x-fence"]);
        let mut own = vec![header("access-control-max-age", "5")];
        rules.apply(&mut own);
        assert_eq!(own.len(), 2);
    }

    #[test]
    fn a_cookie_stays_on_its_host_and_below_its_path() {
        let host = CookieRules::default();
        let below = CookieRules {
            path: "/run/a/b".into(),
            reserved: Some("town".into()),
        };
        let line = "a=1; Domain=.example.com; Path=/; Secure";
        assert_eq!(host.confined(line).unwrap(), "a=1; Path=/; Secure");
        assert_eq!(below.confined(line).unwrap(), "a=1; Secure; Path=/run/a/b");
        assert_eq!(
            below.confined("a=1; path=/run/a/b/c").unwrap(),
            "a=1; Path=/run/a/b/c"
        );
        assert_eq!(
            below.confined("a=1; Path=/run/a/bc").unwrap(),
            "a=1; Path=/run/a/b"
        );
        assert_eq!(below.confined("TOWN=evil"), None);
        assert!(host.confined("town=mine").is_some());
    }
}
