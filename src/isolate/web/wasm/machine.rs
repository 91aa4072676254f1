//! The machine of a realm: the interpreter and its store, made when a program first asks for them.
//!
//! While WebAssembly runs, the store is the interpreter's. An imported function gets it for as long
//! as it runs, and lends it to whatever JavaScript does meanwhile: so there is one way to the store
//! at any time, and it follows the calls.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{BTreeMap, HashMap};
use std::ptr::{self, NonNull};
use std::rc::{Rc, Weak};

use boa_engine::{Context, JsError, JsObject, JsResult};
use wasmi::{
    AsContextMut, Caller, Config, Engine, Func, Memory, Store, StoreContextMut, StoreLimits,
    StoreLimitsBuilder,
};

use super::errors::{Thrown, error_of};
use super::island::{FarIsland, Island, address};
use super::module::Compiled;
use super::values::key_of;
use crate::isolate::web::interface::type_error;

/// Calls within calls of one entry; the value stack is the tighter bound where functions are large.
const CALLS_MAX: usize = 20_000;

/// The value stack of one entry, which grows as it is used.
const STACK_BYTES_MAX: usize = 4 << 20;

/// What a browser grants one table.
pub const TABLE_ELEMENTS_MAX: usize = 10_000_000;

/// Islands noted before anybody looks which of them are gone.
const ISLANDS_MIN: usize = 64;

/// What the store holds for imported functions.
pub struct Data {
    machine: Weak<Machine>,
    limits: StoreLimits,
}

impl Data {
    /// The machine that the store belongs to.
    pub fn machine(&self) -> Option<Rc<Machine>> {
        self.machine.upgrade()
    }
}

/// What the collector gives back, at a time when nobody can take it.
#[derive(Default)]
pub struct Returned {
    /// Memories that no program can reach any more.
    pub memories: Vec<Memory>,
    /// Exported functions and the number of their island, by the address of their object.
    pub functions: HashMap<usize, (Func, u32)>,
}

/// The interpreter of a realm.
pub struct Machine {
    engine: Engine,
    store: UnsafeCell<Store<Data>>,
    access: Cell<Access>,
    context: Cell<*mut Context>,
    running: RefCell<Vec<Island>>,
    thrown: RefCell<Option<JsError>>,
    modules: RefCell<HashMap<[u8; 32], Compiled>>,
    // The functions of each instance, by the first.
    functions: RefCell<BTreeMap<u64, Functions>>,
    returned: Rc<RefCell<Returned>>,
    islands: RefCell<HashMap<u32, FarIsland>>,
    // So many islands are noted before those that are gone are forgotten.
    islands_max: Cell<usize>,
    next_id: Cell<u32>,
}

/// The functions of an instance: their keys are as far apart from each other as the first two.
struct Functions {
    step: u64,
    // The index of the first: those before it are imported.
    index: u32,
}

/// Who has the store.
#[derive(Clone, Copy)]
enum Access {
    Free,
    Taken,
    Lent(NonNull<StoreContextMut<'static, Data>>),
}

/// Gives access back as it was, however the work ends.
struct Restored<'machine> {
    machine: &'machine Machine,
    access: Access,
}

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        self.machine.access.set(self.access);
    }
}

impl Machine {
    /// The machine of the realm.
    pub fn of(context: &mut Context) -> Rc<Self> {
        if let Some(machine) = context.get_data::<Rc<Self>>() {
            return machine.clone();
        }
        let machine = Self::new();
        context.insert_data(machine.clone());
        machine
    }

    fn new() -> Rc<Self> {
        let mut config = Config::default();
        config
            .set_max_recursion_depth(CALLS_MAX)
            .set_max_stack_height(STACK_BYTES_MAX)
            .ignore_custom_sections(true);
        let engine = Engine::new(&config);
        Rc::new_cyclic(|machine| {
            let limits = StoreLimitsBuilder::new()
                .table_elements(TABLE_ELEMENTS_MAX)
                .instances(usize::MAX)
                .memories(usize::MAX)
                .tables(usize::MAX)
                .build();
            let machine = machine.clone();
            let mut store = Store::new(&engine, Data { machine, limits });
            store.limiter(|data| &mut data.limits);
            Self {
                engine,
                store: UnsafeCell::new(store),
                access: Cell::new(Access::Free),
                context: Cell::new(ptr::null_mut()),
                running: RefCell::default(),
                thrown: RefCell::default(),
                modules: RefCell::default(),
                functions: RefCell::default(),
                returned: Rc::default(),
                islands: RefCell::default(),
                islands_max: Cell::new(ISLANDS_MIN),
                next_id: Cell::new(0),
            }
        })
    }

    /// The interpreter's engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What was compiled already, by the digest of its bytes: the interpreter forgets no code, so
    /// a program that compiles for each request would fill its memory.
    pub fn modules(&self) -> &RefCell<HashMap<[u8; 32], Compiled>> {
        &self.modules
    }

    /// Notes the functions of an instance, which the store has side by side.
    pub fn note_functions(&self, first: Func, second: Option<Func>, index: u32) {
        let key = key_of(&first);
        let step = second.map_or(u64::MAX, |second| key_of(&second).wrapping_sub(key));
        let functions = Functions { step, index };
        self.functions.borrow_mut().insert(key, functions);
    }

    /// The index of a function in its module.
    pub fn index_of(&self, key: u64) -> Option<u32> {
        let functions = self.functions.borrow();
        let (first, functions) = functions.range(..=key).next_back()?;
        let steps = (key - first).checked_div(functions.step)?;
        functions.index.checked_add(u32::try_from(steps).ok()?)
    }

    /// A number that nothing else of this machine has.
    pub fn id(&self) -> u32 {
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1));
        id
    }

    /// Where the collector leaves what it gives back.
    pub fn returned(&self) -> &Rc<RefCell<Returned>> {
        &self.returned
    }

    /// Notes an island, which does not keep it.
    pub fn note_island(&self, id: u32, island: FarIsland) {
        let mut islands = self.islands.borrow_mut();
        if islands.len() >= self.islands_max.get() {
            islands.retain(|_, island| island.near().is_some());
            self.islands_max.set((2 * islands.len()).max(ISLANDS_MIN));
        }
        islands.insert(id, island);
    }

    /// The exported function that an object is, and its island.
    pub fn exported(&self, object: &JsObject) -> Option<(Func, Island)> {
        let (func, id) = *self.returned.borrow().functions.get(&address(object))?;
        let island = self.islands.borrow().get(&id)?.near()?;
        Some((func, island.root()))
    }

    /// The island whose code runs.
    pub fn running(&self) -> Option<Island> {
        self.running.borrow().last().map(Island::root)
    }

    /// Work on the store that runs no code.
    pub fn with<R>(&self, work: impl FnOnce(&mut StoreContextMut<'_, Data>) -> R) -> JsResult<R> {
        let access = self.access.replace(Access::Taken);
        let _restored = Restored {
            machine: self,
            access,
        };
        match access {
            Access::Free => {
                // SAFETY: nobody had the store, and until it is restored nobody gets it.
                let store = unsafe { &mut *self.store.get() };
                for memory in self.returned.borrow_mut().memories.drain(..) {
                    memory.discard(&mut *store);
                }
                Ok(work(&mut store.as_context_mut()))
            }
            Access::Lent(lent) => {
                // SAFETY: whoever lent it waits for JavaScript to return, and takes it back then.
                let lent = unsafe { &mut *lent.as_ptr() };
                Ok(work(&mut lent.as_context_mut()))
            }
            Access::Taken => Err(type_error("WebAssembly is busy")),
        }
    }

    /// Work on the store that runs code of `island`; what that throws is thrown on.
    pub fn run<R>(
        &self,
        island: &Island,
        context: &mut Context,
        work: impl FnOnce(&mut StoreContextMut<'_, Data>) -> Result<R, wasmi::Error>,
    ) -> JsResult<R> {
        let outer = self.context.replace(ptr::from_mut(context));
        self.running.borrow_mut().push(island.clone());
        let result = self.with(work);
        self.running.borrow_mut().pop();
        self.context.set(outer);
        island.root().refresh(self)?;
        result?.map_err(|error| error_of(&error, self, context))
    }

    /// Lets JavaScript run within an imported function.
    pub fn lend<R>(
        &self,
        caller: &mut Caller<'_, Data>,
        work: impl FnOnce(&mut Context) -> R,
    ) -> Option<R> {
        // SAFETY: code runs within `run` only, whose borrow of the context waits for it to end.
        let context = unsafe { self.context.get().as_mut() }?;
        let mut lent = caller.as_context_mut();
        let lent = NonNull::from(&mut lent).cast::<StoreContextMut<'static, Data>>();
        let access = self.access.replace(Access::Lent(lent));
        let _restored = Restored {
            machine: self,
            access,
        };
        Some(work(context))
    }

    /// Ends what runs with an error of JavaScript.
    pub fn throw(&self, error: JsError) -> wasmi::Error {
        *self.thrown.borrow_mut() = Some(error);
        wasmi::Error::host(Thrown)
    }

    /// What an imported function has thrown.
    pub fn thrown(&self) -> Option<JsError> {
        self.thrown.borrow_mut().take()
    }
}
