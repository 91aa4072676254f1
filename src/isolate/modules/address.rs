//! Addresses of modules: where a specifier leads from where it is written.

use crate::isolate::host::type_error;

/// The address without its last part; empty when nothing is above.
pub fn directory(address: &str) -> &str {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    address.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A specifier as seen from a module: by its own names first, relative ones against its address.
pub fn resolve(specifier: &str, referrer: &str, imports: &[(String, String)]) -> String {
    if let Some((_, target)) = imports.iter().find(|(name, _)| name == specifier) {
        return target.clone();
    }
    let relative =
        specifier.starts_with("./") || specifier.starts_with("../") || specifier.starts_with('/');
    if !relative {
        return specifier.to_string();
    }
    // `town:system/a/b.ts` has no authority part, which URLs need for relative addresses.
    if let Some(path) = referrer.strip_prefix("town:system/") {
        let base = url::Url::parse("town://system/").and_then(|root| root.join(path));
        return match base.and_then(|base| base.join(specifier)) {
            Ok(url) => format!("town:system{}", url.path()),
            Err(_) => specifier.to_string(),
        };
    }
    url::Url::parse(referrer)
        .and_then(|base| base.join(specifier))
        .map_or_else(|_| specifier.to_string(), |url| url.to_string())
}

/// The error of a specifier that means nothing.
pub fn missing(specifier: &str, referrer: Option<&str>) -> boa_engine::JsError {
    let from = referrer
        .map(|referrer| format!(", imported from {referrer}"))
        .unwrap_or_default();
    type_error(format!("Module not found: {specifier}{from}"))
}
