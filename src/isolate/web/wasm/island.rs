//! Islands: what can reach each other within the store, and so lives and dies together.
//!
//! The store keeps all that was ever made in it. The collector sees an island, not the store: each
//! object of JavaScript that stands for something in the store holds its island, and an island all
//! of JavaScript that its code can come by. Where code of one island may come by something of
//! another, the two become one. What nobody holds any more gives its memories back.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use boa_engine::{Finalize, JsObject, JsResult, JsValue, Trace};
use boa_gc::{Gc, GcRefCell, WeakGc};
use wasmi::{ExternRef, Func, Memory};

use super::machine::{Machine, Returned};
use super::memory::MemoryData;

/// An island, by any of its names.
#[derive(Clone, Trace, Finalize)]
pub struct Island {
    inner: Gc<GcRefCell<State>>,
}

/// An island that is not kept by this.
pub struct FarIsland {
    inner: WeakGc<GcRefCell<State>>,
}

impl FarIsland {
    /// The island, as long as there is one.
    pub fn near(&self) -> Option<Island> {
        let inner = self.inner.upgrade()?;
        Some(Island { inner })
    }
}

#[derive(Trace, Finalize)]
struct State {
    // By which the machine finds it.
    id: u32,
    // The island that this one has become part of.
    joined: Option<Island>,
    // What modules import, by the number that the interpreter's function has.
    imports: HashMap<u32, JsObject>,
    // What references to the outside stand for, by number.
    externs: HashMap<u32, JsValue>,
    // The reference that stands for an object, by its address: it is held above.
    #[unsafe_ignore_trace]
    references: HashMap<usize, ExternRef>,
    // The objects that stand for what is in the store, by what that is.
    functions: HashMap<u64, JsObject>,
    memories: HashMap<u64, JsObject>,
    tables: HashMap<u64, JsObject>,
    globals: HashMap<u64, JsObject>,
    #[unsafe_ignore_trace]
    holdings: Holdings,
}

/// What is given back when the collector takes the island.
struct Holdings {
    memories: Vec<Memory>,
    functions: Vec<usize>,
    returned: Rc<RefCell<Returned>>,
}

impl Drop for Holdings {
    fn drop(&mut self) {
        let mut returned = self.returned.borrow_mut();
        returned.memories.append(&mut self.memories);
        for address in self.functions.drain(..) {
            returned.functions.remove(&address);
        }
    }
}

/// What an object of JavaScript can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// For a memory.
    Memory,
    /// For a table.
    Table,
    /// For a global.
    Global,
}

impl Island {
    /// An island with nothing on it.
    pub fn new(machine: &Machine) -> Self {
        let returned = machine.returned().clone();
        let id = machine.id();
        let state = State {
            id,
            joined: None,
            imports: HashMap::new(),
            externs: HashMap::new(),
            references: HashMap::new(),
            functions: HashMap::new(),
            memories: HashMap::new(),
            tables: HashMap::new(),
            globals: HashMap::new(),
            holdings: Holdings {
                memories: Vec::new(),
                functions: Vec::new(),
                returned,
            },
        };
        let inner = Gc::new(GcRefCell::new(state));
        let far = FarIsland {
            inner: WeakGc::new(&inner),
        };
        machine.note_island(id, far);
        Self { inner }
    }

    /// The island that this is part of by now.
    pub fn root(&self) -> Self {
        let mut root = self.clone();
        loop {
            let next = root.inner.borrow().joined.clone();
            match next {
                Some(next) => root = next,
                None => return root,
            }
        }
    }

    /// Makes the two one.
    pub fn join(&self, other: &Self) {
        let (one, other) = (self.root(), other.root());
        if Gc::ptr_eq(&one.inner, &other.inner) {
            return;
        }
        let (mut one_state, mut state) = (one.inner.borrow_mut(), other.inner.borrow_mut());
        one_state.imports.extend(state.imports.drain());
        one_state.externs.extend(state.externs.drain());
        one_state.references.extend(state.references.drain());
        one_state.functions.extend(state.functions.drain());
        one_state.memories.extend(state.memories.drain());
        one_state.tables.extend(state.tables.drain());
        one_state.globals.extend(state.globals.drain());
        let holdings = &mut state.holdings;
        one_state.holdings.memories.append(&mut holdings.memories);
        one_state.holdings.functions.append(&mut holdings.functions);
        drop(one_state);
        state.joined = Some(one);
    }

    /// Keeps a function that code may call, under a number.
    pub fn keep_import(&self, id: u32, function: JsObject) {
        self.inner.borrow_mut().imports.insert(id, function);
    }

    /// The function of a number.
    pub fn import(&self, id: u32) -> Option<JsObject> {
        self.inner.borrow().imports.get(&id).cloned()
    }

    /// The reference that stands for a value: for an object always the same one.
    pub fn reference(&self, value: &JsValue, machine: &Machine) -> JsResult<ExternRef> {
        let object = value.as_object();
        let address = object.as_ref().map(address);
        if let Some(address) = address
            && let Some(known) = self.inner.borrow().references.get(&address)
        {
            return Ok(*known);
        }
        let id = machine.id();
        let reference = machine.with(|store| ExternRef::new(store, id))?;
        let mut state = self.inner.borrow_mut();
        state.externs.insert(id, value.clone());
        if let Some(address) = address {
            state.references.insert(address, reference);
        }
        Ok(reference)
    }

    /// What a reference stands for.
    pub fn referred(&self, reference: ExternRef, machine: &Machine) -> JsResult<JsValue> {
        let id = machine.with(|store| {
            let store = wasmi::AsContext::as_context(store);
            reference.data(store).downcast_ref::<u32>().copied()
        })?;
        let state = self.inner.borrow();
        Ok(id
            .and_then(|id| state.externs.get(&id).cloned())
            .unwrap_or_default())
    }

    /// The object of an exported function.
    pub fn function(&self, key: u64) -> Option<JsObject> {
        self.inner.borrow().functions.get(&key).cloned()
    }

    /// Keeps the object of an exported function, and lets the machine know it by that.
    pub fn keep_function(&self, key: u64, func: Func, object: JsObject) {
        let mut state = self.inner.borrow_mut();
        let address = address(&object);
        state.holdings.functions.push(address);
        let returned = state.holdings.returned.clone();
        let id = state.id;
        returned.borrow_mut().functions.insert(address, (func, id));
        state.functions.insert(key, object);
    }

    /// The object that stands for a thing of the store.
    pub fn object(&self, stands: Stands, key: u64) -> Option<JsObject> {
        let state = self.inner.borrow();
        match stands {
            Stands::Memory => state.memories.get(&key).cloned(),
            Stands::Table => state.tables.get(&key).cloned(),
            Stands::Global => state.globals.get(&key).cloned(),
        }
    }

    /// Keeps the object that stands for a thing of the store.
    pub fn keep_object(&self, stands: Stands, key: u64, object: JsObject) {
        let mut state = self.inner.borrow_mut();
        match stands {
            Stands::Memory => state.memories.insert(key, object),
            Stands::Table => state.tables.insert(key, object),
            Stands::Global => state.globals.insert(key, object),
        };
    }

    /// Makes a memory one that is given back with the island.
    pub fn hold_memory(&self, memory: Memory) {
        self.inner.borrow_mut().holdings.memories.push(memory);
    }

    /// Detaches the buffers of memories that have grown since they were last seen.
    pub fn refresh(&self, machine: &Machine) -> JsResult<()> {
        let memories = &self.inner.borrow().memories;
        for object in memories.values() {
            if let Some(mut data) = object.downcast_mut::<MemoryData>() {
                data.refresh(machine)?;
            }
        }
        Ok(())
    }
}

/// Where an object is: it stays there for as long as it is held.
pub fn address(object: &JsObject) -> usize {
    std::ptr::from_ref(object.as_ref()).addr()
}
