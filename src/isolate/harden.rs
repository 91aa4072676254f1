//! Hardening: what all modules of a process share is made unchangeable, before any program.
//!
//! Modules of one program have one realm, and some of them may have no authority. What they all
//! reach without importing it is then frozen: intrinsics, web APIs, and the names of the global. A
//! program that has no such module may change all of it, as only it will find that there. One that
//! comes by a late import finds the realm hardened before it is made.
//! Objects below a frozen one may still have properties of their own by assignment, as libraries
//! want that write `this.toString = ...`; for that see `patches/README.md`. What is made later for
//! all modules to share, which is each module of Node, is frozen when it is made.

use std::collections::HashSet;

use boa_engine::builtins::proxy::Proxy;
use boa_engine::object::{IntegrityLevel, JsObject};
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::{Context, JsResult, JsValue, js_string};

use super::host::type_error;
use super::node;
use super::web::interface;

/// Evaluates to an object with `kinds`, one object of each kind that no name on the global leads
/// to, and `close`, which makes what programs assign to for other engines' sake an accessor that
/// takes no notice.
const HIDDEN: &str = include_str!("harden.js");

/// Objects that may get further properties: programs extend them, and nobody looks there for what
/// is not there. What they have is fixed.
const EXTENSIBLE: [&str; 1] = ["Reflect"];

/// What is left as it is but for its functions: each program's own, and without any authority.
const LEFT: [&str; 1] = ["process"];

/// What there is to freeze, as it was before any program.
struct Open {
    hidden: JsObject,
    shared: JsValue,
    /// The global's own names.
    names: Vec<PropertyKey>,
}

/// What has been frozen, for what is frozen later: it leads to most of it.
struct Hardened {
    #[expect(
        dead_code,
        reason = "kept, so that nothing else is ever at the addresses of what no name leads to"
    )]
    hidden: JsObject,
    seen: HashSet<usize>,
}

/// Notes what there is to freeze, `shared` among it. Called before any program.
pub fn note(shared: JsValue, context: &mut Context) -> JsResult<()> {
    let hidden = context.eval_text(HIDDEN, None)?;
    let hidden = hidden
        .as_object()
        .ok_or_else(|| type_error("What is hidden is no object"))?;
    let names = context.global_object().own_property_keys(context)?;
    context.insert_data(Open {
        hidden,
        shared,
        names,
    });
    Ok(())
}

/// Freezes all that is reachable from the global object, from the modules of Node that are there
/// already, and from what was noted. Nothing, where that was done before, or nothing was noted.
pub fn harden(context: &mut Context) -> JsResult<()> {
    let Some(open) = context.remove_data::<Open>() else {
        return Ok(());
    };
    let Open {
        hidden,
        shared,
        names,
    } = *open;
    let global = context.global_object();
    let close = hidden.get(js_string!("close"), context)?;
    if let Some(close) = close.as_callable() {
        close.call(&JsValue::undefined(), &[], context)?;
    }
    let mut walk = Walk::default();
    walk.add(&hidden.clone().into());
    walk.add(&shared);
    for prototype in interface::prototypes(context) {
        walk.add(&prototype.into());
    }
    walk.add(
        &global
            .prototype()
            .map_or(JsValue::undefined(), JsValue::from),
    );
    let mut extensible = Vec::new();
    for name in LEFT {
        if let Some(object) = global.get(js_string!(name), context)?.as_object() {
            walk.keep(&object, context)?;
        }
    }
    for name in EXTENSIBLE {
        extensible.extend(global.get(js_string!(name), context)?.as_object());
    }
    walk.seen.insert(address(&global));
    walk.seen.extend(extensible.iter().map(address));
    for descriptor in names.iter().filter_map(|name| own(&global, name)) {
        walk.add_all(&descriptor);
    }
    global.make_overridable();
    for object in &extensible {
        for key in object.own_property_keys(context)? {
            let descriptor = own(object, &key);
            descriptor.inspect(|found| walk.add_all(found));
            fix(object, key, context)?;
        }
        object.make_overridable();
    }
    for module in node::made(context) {
        walk.add(&module);
    }
    walk.freeze_all(context)?;
    for name in names {
        fix(&global, name, context)?;
    }
    let seen = walk.seen;
    context.insert_data(Hardened { hidden, seen });
    Ok(())
}

/// Freezes what is reachable from a value that all modules are going to share. Nothing, as long as
/// the realm is not hardened: what is there by then is frozen with it.
pub fn harden_later(value: &JsValue, context: &mut Context) -> JsResult<()> {
    let host = context.host_defined_mut();
    let Some(hardened) = host.get_mut::<Hardened>() else {
        return Ok(());
    };
    let mut walk = Walk {
        seen: std::mem::take(&mut hardened.seen),
        waiting: Vec::new(),
    };
    walk.add(value);
    let frozen = walk.freeze_all(context);
    if let Some(hardened) = context.host_defined_mut().get_mut::<Hardened>() {
        hardened.seen = walk.seen;
    }
    frozen
}

/// What is found and not frozen yet.
#[derive(Default)]
struct Walk {
    seen: HashSet<usize>,
    waiting: Vec<JsObject>,
}

impl Walk {
    fn freeze_all(&mut self, context: &mut Context) -> JsResult<()> {
        while let Some(object) = self.waiting.pop() {
            freeze(&object, self, context)?;
        }
        Ok(())
    }

    fn add(&mut self, value: &JsValue) {
        if let Some(object) = value.as_object()
            && self.seen.insert(address(&object))
        {
            self.waiting.push(object);
        }
    }

    // Counts as found already, but for its functions, which the like of it may have as well.
    fn keep(&mut self, object: &JsObject, context: &mut Context) -> JsResult<()> {
        self.seen.insert(address(object));
        for key in object.own_property_keys(context)? {
            let value = own(object, &key).and_then(|property| property.value().cloned());
            if let Some(function) = value.filter(JsValue::is_callable) {
                self.add(&function);
            }
        }
        Ok(())
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

// Fixes a property. One that a program has taken away stays away.
fn fix(object: &JsObject, key: PropertyKey, context: &mut Context) -> JsResult<()> {
    let Some(descriptor) = own(object, &key) else {
        return Ok(());
    };
    let fixed = PropertyDescriptor::builder().configurable(false);
    let fixed = if descriptor.is_accessor_descriptor() {
        fixed
    } else {
        fixed.writable(false)
    };
    object.define_property_or_throw(key, fixed, context)?;
    Ok(())
}

fn own(object: &JsObject, key: &PropertyKey) -> Option<PropertyDescriptor> {
    object.borrow().properties().get(key)
}
