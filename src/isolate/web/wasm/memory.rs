//! `WebAssembly.Memory`: memory that code and buffers of JavaScript see at the same place.

use std::cell::Cell;
use std::ptr::NonNull;

use boa_engine::object::IntegrityLevel;
use boa_engine::object::builtins::{JsArrayBuffer, JsSharedArrayBuffer};
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsValue, Trace, js_string,
};
use wasmi::{Memory, MemoryType};

use super::descriptors::{Limits, dictionary, limits, unsigned};
use super::errors::range_error;
use super::island::{Island, Stands};
use super::machine::Machine;
use super::values::key_of;
use crate::isolate::web::interface::{
    Interface, construct, create, receiver, require, require_new, type_error,
};

/// What 32 bits address.
const PAGES_MAX: u32 = 1 << 16;
const PAGE_BYTES: usize = 1 << 16;

/// The collector counts no memories, so garbage that holds some would stay for ever.
const COLLECT_AFTER_BYTES: usize = 16 << 20;

const GROWTH_REFUSED: &str = "WebAssembly.Memory.grow(): Maximum memory size exceeded";

thread_local! {
    static MADE_BYTES: Cell<usize> = const { Cell::new(0) };
}

/// The data of a `WebAssembly.Memory`.
#[derive(Trace, Finalize, JsData)]
pub struct MemoryData {
    kind: Kind,
}

#[derive(Trace, Finalize)]
enum Kind {
    /// In the store; code sees it.
    Own {
        #[unsafe_ignore_trace]
        memory: Memory,
        island: Island,
        seen: Option<Seen>,
    },
    /// Nothing else runs beside a program, so this is for JavaScript alone.
    Shared {
        buffer: JsObject,
        pages: u32,
        maximum: u32,
    },
}

/// The buffer that a program has, and where its memory was then.
#[derive(Trace, Finalize)]
struct Seen {
    buffer: JsObject,
    key: JsValue,
    #[unsafe_ignore_trace]
    start: NonNull<u8>,
    length: usize,
}

impl Seen {
    fn detach(&self) -> JsResult<()> {
        JsArrayBuffer::from_object(self.buffer.clone())?.detach(&self.key)?;
        Ok(())
    }
}

impl MemoryData {
    /// Detaches the buffer if the memory is not where it was, or not as large.
    pub fn refresh(&mut self, machine: &Machine) -> JsResult<()> {
        let Kind::Own { memory, seen, .. } = &mut self.kind else {
            return Ok(());
        };
        let Some(before) = seen else {
            return Ok(());
        };
        let (start, length) =
            machine.with(|store| (memory.data_ptr(&mut *store), memory.data_size(&*store)))?;
        if start == before.start.as_ptr() && length == before.length {
            return Ok(());
        }
        match seen.take() {
            Some(seen) => seen.detach(),
            None => Ok(()),
        }
    }

    /// The memory of the store, with its island.
    pub fn own(&self) -> Option<(Memory, Island)> {
        match &self.kind {
            Kind::Own { memory, island, .. } => Some((*memory, island.root())),
            Kind::Shared { .. } => None,
        }
    }
}

/// The class.
pub fn class(context: &mut Context) -> JsObject {
    Interface::new("Memory", 1, new, context)
        .method("grow", 1, grow)
        .getter("buffer", buffer)
        .build::<MemoryData>()
}

/// The object of a memory: the same one each time.
pub fn memory_object(island: &Island, memory: Memory, context: &mut Context) -> JsObject {
    let island = island.root();
    let key = key_of(&memory);
    if let Some(object) = island.object(Stands::Memory, key) {
        return object;
    }
    let object = create(data_of(&island, memory), context);
    island.hold_memory(memory);
    island.keep_object(Stands::Memory, key, object.clone());
    object
}

/// Lets the collector know of bytes that it does not see.
pub fn made(bytes: usize) {
    let made = MADE_BYTES.get().saturating_add(bytes);
    MADE_BYTES.set(if made > COLLECT_AFTER_BYTES { 0 } else { made });
    if made > COLLECT_AFTER_BYTES {
        boa_gc::force_collect();
    }
}

fn data_of(island: &Island, memory: Memory) -> MemoryData {
    let island = island.clone();
    let seen = None;
    MemoryData {
        kind: Kind::Own {
            memory,
            island,
            seen,
        },
    }
}

fn new(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    const WHAT: &str = "WebAssembly.Memory()";
    require_new(this)?;
    require(arguments, 1, WHAT)?;
    let descriptor = dictionary(arguments.get_or_undefined(0), WHAT)?;
    let limits = limits(&descriptor, WHAT, context)?;
    let shared = descriptor.get(js_string!("shared"), context)?.to_boolean();
    if shared && limits.maximum.is_none() {
        return Err(type_error("A shared memory needs a 'maximum'"));
    }
    let limits = limits.check(PAGES_MAX)?;
    if limits.maximum.is_some_and(|maximum| maximum > PAGES_MAX) {
        return Err(range_error("'maximum' is too large"));
    }
    if shared {
        let data = MemoryData {
            kind: shared_kind(limits, context)?,
        };
        return Ok(construct(this, data, context)?.into());
    }
    made(limits.initial as usize * PAGE_BYTES);
    let machine = Machine::of(context);
    let island = Island::new(&machine);
    let kind = MemoryType::new(limits.initial, limits.maximum);
    let memory = machine
        .with(|store| Memory::new(store, kind))?
        .map_err(|_| range_error("Out of memory for a WebAssembly.Memory"))?;
    island.hold_memory(memory);
    let object = construct(this, data_of(&island, memory), context)?;
    island.keep_object(Stands::Memory, key_of(&memory), object.clone());
    Ok(object.into())
}

fn grow(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let object = receiver::<MemoryData>(this)?;
    require(arguments, 1, "WebAssembly.Memory.grow()")?;
    let delta = unsigned(arguments.get_or_undefined(0), "delta", context)?;
    made(delta.min(PAGES_MAX) as usize * PAGE_BYTES);
    let machine = Machine::of(context);
    // Nothing is made while the object is borrowed: the collector could not see into it.
    let before = match &mut object.borrow_mut().data_mut().kind {
        Kind::Own { memory, seen, .. } => {
            let before = machine
                .with(|store| memory.grow(store, u64::from(delta)))?
                .map_err(|_| range_error(GROWTH_REFUSED))?;
            if let Some(seen) = seen.take() {
                seen.detach()?;
            }
            Some(before)
        }
        Kind::Shared { .. } => None,
    };
    match before {
        Some(before) => Ok(JsValue::from(before)),
        None => grow_shared(&object, delta, context),
    }
}

// The buffer of before stays as it is, and what is written to it is not seen in the new one.
fn grow_shared(
    object: &JsObject<MemoryData>,
    delta: u32,
    context: &mut Context,
) -> JsResult<JsValue> {
    let (from, before, maximum) = match &object.borrow().data().kind {
        Kind::Shared {
            buffer,
            pages,
            maximum,
        } => (buffer.clone(), *pages, *maximum),
        Kind::Own { .. } => return Err(range_error(GROWTH_REFUSED)),
    };
    let after = before.checked_add(delta).filter(|after| *after <= maximum);
    let after = after.ok_or_else(|| range_error(GROWTH_REFUSED))?;
    let to = shared_buffer(after, context)?;
    copy_shared(
        &JsSharedArrayBuffer::from_object(from)?,
        &JsSharedArrayBuffer::from_object(to.clone())?,
    );
    if let Kind::Shared { buffer, pages, .. } = &mut object.borrow_mut().data_mut().kind {
        (*buffer, *pages) = (to, after);
    }
    Ok(JsValue::from(before))
}

fn buffer(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let object = receiver::<MemoryData>(this)?;
    let machine = Machine::of(context);
    let memory = {
        let mut data = object.borrow_mut();
        data.data_mut().refresh(&machine)?;
        match &data.data().kind {
            Kind::Shared { buffer, .. } => return Ok(buffer.clone().into()),
            Kind::Own {
                seen: Some(seen), ..
            } => return Ok(seen.buffer.clone().into()),
            Kind::Own { memory, .. } => *memory,
        }
    };
    let (start, length) =
        machine.with(|store| (memory.data_ptr(&mut *store), memory.data_size(&*store)))?;
    let start = NonNull::new(start).unwrap_or(NonNull::dangling());
    // The memory itself: what no program can name as a key, and what keeps the memory.
    let key = JsValue::from(object.clone().upcast());
    // SAFETY: the island keeps the memory as long as its object is held, which the buffer does by
    // its key. Only code that runs can move it, and whenever JavaScript goes on after that, the
    // buffer of a memory that was moved is detached before anything else (`Island::refresh`).
    let buffer = unsafe { JsArrayBuffer::lend(start, length, key.clone(), context) };
    let buffer = JsObject::from(buffer);
    if let Kind::Own { seen, .. } = &mut object.borrow_mut().data_mut().kind {
        *seen = Some(Seen {
            buffer: buffer.clone(),
            key,
            start,
            length,
        });
    }
    Ok(buffer.into())
}

fn shared_kind(limits: Limits, context: &mut Context) -> JsResult<Kind> {
    Ok(Kind::Shared {
        buffer: shared_buffer(limits.initial, context)?,
        pages: limits.initial,
        maximum: limits.maximum.unwrap_or(limits.initial),
    })
}

// The standard wants it frozen.
fn shared_buffer(pages: u32, context: &mut Context) -> JsResult<JsObject> {
    let buffer = JsSharedArrayBuffer::new(pages as usize * PAGE_BYTES, context)?;
    let buffer = JsObject::from(buffer);
    buffer.set_integrity_level(IntegrityLevel::Frozen, context)?;
    Ok(buffer)
}

fn copy_shared(from: &JsSharedArrayBuffer, to: &JsSharedArrayBuffer) {
    use std::sync::atomic::Ordering::Relaxed;
    let (from, to) = (from.inner(), to.inner());
    for (to, from) in to.bytes(Relaxed).iter().zip(from.bytes(Relaxed)) {
        to.store(from.load(Relaxed), Relaxed);
    }
}

/// The machine and the memory's own island, for whoever imports it.
pub fn imported(object: &JsObject) -> Option<(Memory, Island)> {
    object.downcast_ref::<MemoryData>()?.own()
}
