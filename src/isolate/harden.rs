//! Hardening: what all modules of a process share is made unchangeable, before any program.
//!
//! Modules of one program have one realm, and some of them have no authority. What they all reach
//! without importing it is therefore frozen: intrinsics, web APIs, and the global's own names.
//! Objects below a frozen one may still have properties of their own by assignment, as libraries
//! want that write `this.toString = ...`; for that see `patches/README.md`.

use std::collections::HashSet;

use boa_engine::builtins::proxy::Proxy;
use boa_engine::object::{IntegrityLevel, JsObject};
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::{Context, JsResult, JsValue, Source, js_string};

use super::host::type_error;
use super::web::interface;

/// Evaluates to one object of each kind that no name on the global leads to, and makes what
/// programs assign to for other engines' sake an accessor that takes no notice.
const HIDDEN: &str = include_str!("harden.js");

/// Objects that may get further properties: programs extend them, and nobody looks there for what
/// is not there. What they have is fixed.
const EXTENSIBLE: [&str; 1] = ["Reflect"];

/// What is left as it is: each program's own, and without any authority.
const LEFT: [&str; 1] = ["process"];

/// Freezes all that is reachable from the global object, and fixes the global's own names.
pub fn harden(context: &mut Context) -> JsResult<()> {
    let global = context.global_object();
    let hidden = context.eval(Source::from_bytes(HIDDEN))?;
    let mut walk = Walk::default();
    walk.add(&hidden);
    for prototype in interface::prototypes(context) {
        walk.add(&prototype.into());
    }
    walk.add(
        &global
            .prototype()
            .map_or(JsValue::undefined(), JsValue::from),
    );
    let mut extensible = vec![global.clone()];
    for name in LEFT {
        walk.keep(&global.get(js_string!(name), context)?);
    }
    for name in EXTENSIBLE {
        extensible.extend(global.get(js_string!(name), context)?.as_object());
    }
    walk.seen.extend(extensible.iter().map(address));
    for object in &extensible {
        fix(object, &mut walk, context)?;
        object.make_overridable();
    }
    while let Some(object) = walk.waiting.pop() {
        freeze(&object, &mut walk, context)?;
    }
    Ok(())
}

/// What is found and not frozen yet.
#[derive(Default)]
struct Walk {
    seen: HashSet<usize>,
    waiting: Vec<JsObject>,
}

impl Walk {
    fn add(&mut self, value: &JsValue) {
        if let Some(object) = value.as_object()
            && self.seen.insert(address(&object))
        {
            self.waiting.push(object);
        }
    }

    // Counts as found already.
    fn keep(&mut self, value: &JsValue) {
        if let Some(object) = value.as_object() {
            self.seen.insert(address(&object));
        }
    }

    fn add_all(&mut self, descriptor: &PropertyDescriptor) {
        for value in [descriptor.value(), descriptor.get(), descriptor.set()] {
            value.into_iter().for_each(|value| self.add(value));
        }
    }
}

fn address(object: &JsObject) -> usize {
    std::ptr::from_ref(object.as_ref()).addr()
}

fn freeze(object: &JsObject, walk: &mut Walk, context: &mut Context) -> JsResult<()> {
    // What a proxy says of itself is not what it is.
    if object.is::<Proxy>() {
        return Ok(());
    }
    for key in object.own_property_keys(context)? {
        if let Some(descriptor) = own(object, &key) {
            walk.add_all(&descriptor);
        }
    }
    let prototype = object.prototype();
    walk.add(&prototype.map_or(JsValue::undefined(), JsValue::from));
    if !object.set_integrity_level(IntegrityLevel::Frozen, context)? {
        return Err(type_error("A shared object cannot be frozen"));
    }
    object.make_overridable();
    Ok(())
}

// Fixes the properties that an object has, and leaves room for others.
fn fix(object: &JsObject, walk: &mut Walk, context: &mut Context) -> JsResult<()> {
    for key in object.own_property_keys(context)? {
        let Some(descriptor) = own(object, &key) else {
            continue;
        };
        walk.add_all(&descriptor);
        let fixed = PropertyDescriptor::builder().configurable(false);
        let fixed = if descriptor.is_accessor_descriptor() {
            fixed
        } else {
            fixed.writable(false)
        };
        object.define_property_or_throw(key, fixed, context)?;
    }
    Ok(())
}

fn own(object: &JsObject, key: &PropertyKey) -> Option<PropertyDescriptor> {
    object.borrow().properties().get(key)
}
