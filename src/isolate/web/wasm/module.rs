//! `WebAssembly.Module`: bytes that were checked. A function is compiled when it is first called.

use std::rc::Rc;

use boa_engine::object::builtins::JsArray;
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsString, JsValue, Trace, js_string,
};
use sha2::{Digest, Sha256};
use wasmi::Module;
use wasmparser::{BinaryReaderError, ExternalKind, Parser, Payload, TypeRef};

use super::errors::Kind;
use super::machine::Machine;
use crate::isolate::web::bytes::{ByteView, array_buffer};
use crate::isolate::web::interface::{
    Interface, construct, create, require, require_new, type_error,
};

/// A module as the interpreter has it, and what it does not keep of it.
#[derive(Clone)]
pub struct Compiled {
    /// The interpreter's.
    pub module: Module,
    /// In the order in which they are declared.
    pub exports: Rc<[Export]>,
    /// In the order in which they are declared.
    pub imports: Rc<[Import]>,
    sections: Rc<[Section]>,
}

/// An export, as it is declared.
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its index among the module's functions, memories, tables or globals.
    pub index: u32,
    kind: ExternalKind,
}

/// An import, as it is declared.
pub struct Import {
    /// The module that it is of.
    pub module: String,
    /// Its name there.
    pub name: String,
    /// Which one it is in the interpreter's list, which has all of a kind together.
    pub position: usize,
    kind: ExternalKind,
}

struct Section {
    name: String,
    bytes: Vec<u8>,
}

/// The data of a `WebAssembly.Module`.
#[derive(Trace, Finalize, JsData)]
pub struct ModuleData {
    #[unsafe_ignore_trace]
    compiled: Compiled,
}

/// In the order of the interpreter's list.
const KINDS: [ExternalKind; 5] = [
    ExternalKind::Func,
    ExternalKind::Table,
    ExternalKind::Memory,
    ExternalKind::Global,
    ExternalKind::Tag,
];

fn kind_of(kind: TypeRef) -> ExternalKind {
    match kind {
        TypeRef::Func(_) => ExternalKind::Func,
        TypeRef::Table(_) => ExternalKind::Table,
        TypeRef::Memory(_) => ExternalKind::Memory,
        TypeRef::Global(_) => ExternalKind::Global,
        TypeRef::Tag(_) => ExternalKind::Tag,
    }
}

fn name_of(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Func => "function",
        ExternalKind::Table => "table",
        ExternalKind::Memory => "memory",
        ExternalKind::Global => "global",
        ExternalKind::Tag => "tag",
    }
}

impl Compiled {
    fn read(module: Module, bytes: &[u8]) -> Result<Self, BinaryReaderError> {
        let (mut exports, mut imports, mut sections) = (Vec::new(), Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ExportSection(reader) => {
                    for export in reader {
                        let export = export?;
                        exports.push(Export {
                            name: export.name.to_owned(),
                            kind: export.kind,
                            index: export.index,
                        });
                    }
                }
                Payload::ImportSection(reader) => {
                    for import in reader {
                        let import = import?;
                        imports.push(Import {
                            module: import.module.to_owned(),
                            name: import.name.to_owned(),
                            position: 0,
                            kind: kind_of(import.ty),
                        });
                    }
                }
                Payload::CustomSection(reader) => sections.push(Section {
                    name: reader.name().to_owned(),
                    bytes: reader.data().to_vec(),
                }),
                _ => {}
            }
        }
        let mut position = 0;
        for kind in KINDS {
            for import in imports.iter_mut().filter(|import| import.kind == kind) {
                import.position = position;
                position += 1;
            }
        }
        Ok(Self {
            module,
            exports: exports.into(),
            imports: imports.into(),
            sections: sections.into(),
        })
    }
}

/// The class.
pub fn class(context: &mut Context) -> JsObject {
    Interface::new("Module", 1, new, context)
        .static_method("exports", 1, exports)
        .static_method("imports", 1, imports)
        .static_method("customSections", 2, custom_sections)
        .build::<ModuleData>()
}

/// The module behind a value.
pub fn compiled(value: &JsValue) -> Option<Compiled> {
    let object = value.as_object()?;
    let data = object.downcast_ref::<ModuleData>()?;
    Some(data.compiled.clone())
}

/// `(bytes)`: a module.
pub fn compile(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let bytes = source(arguments.get_or_undefined(0), context)?;
    let compiled = compile_bytes(&bytes, "WebAssembly.compile()", context)?;
    Ok(create(ModuleData { compiled }, context).into())
}

/// `(bytes)`: whether they are a module.
pub fn validate(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let bytes = source(arguments.get_or_undefined(0), context)?;
    let machine = Machine::of(context);
    Ok(Module::validate(machine.engine(), &bytes).is_ok().into())
}

/// `(value)`: whether it is a module.
pub fn is_module(_: &JsValue, arguments: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    Ok(compiled(arguments.get_or_undefined(0)).is_some().into())
}

fn new(this: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    const WHAT: &str = "WebAssembly.Module()";
    require_new(this)?;
    require(arguments, 1, WHAT)?;
    let bytes = source(arguments.get_or_undefined(0), context)?;
    let compiled = compile_bytes(&bytes, WHAT, context)?;
    Ok(construct(this, ModuleData { compiled }, context)?.into())
}

fn source(value: &JsValue, context: &mut Context) -> JsResult<Vec<u8>> {
    match ByteView::of(value, context)? {
        Some(view) if !view.is_shared() => Ok(view.to_vec()),
        _ => Err(type_error(
            "WebAssembly: an ArrayBuffer or a view of one is required",
        )),
    }
}

fn compile_bytes(bytes: &[u8], what: &str, context: &mut Context) -> JsResult<Compiled> {
    let machine = Machine::of(context);
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    if let Some(known) = machine.modules().borrow().get(&digest) {
        return Ok(known.clone());
    }
    let compiled = match Module::new(machine.engine(), bytes) {
        Ok(module) => Compiled::read(module, bytes).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match compiled {
        Ok(compiled) => {
            let known = compiled.clone();
            machine.modules().borrow_mut().insert(digest, known);
            Ok(compiled)
        }
        Err(error) => Err(Kind::Compile.error(&format!("{what}: {error}"), context)),
    }
}

fn exports(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let compiled = module_argument(arguments, "WebAssembly.Module.exports()", 1)?;
    let list = JsArray::new(context)?;
    for export in compiled.exports.iter() {
        let kind = name_of(export.kind);
        let entry = described(&[("name", &export.name), ("kind", kind)], context)?;
        list.push(entry, context)?;
    }
    Ok(list.into())
}

fn imports(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let compiled = module_argument(arguments, "WebAssembly.Module.imports()", 1)?;
    let list = JsArray::new(context)?;
    for import in compiled.imports.iter() {
        let named = [
            ("module", import.module.as_str()),
            ("name", import.name.as_str()),
            ("kind", name_of(import.kind)),
        ];
        let entry = described(&named, context)?;
        list.push(entry, context)?;
    }
    Ok(list.into())
}

fn custom_sections(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let compiled = module_argument(arguments, "WebAssembly.Module.customSections()", 2)?;
    let name = arguments.get_or_undefined(1).to_string(context)?;
    let list = JsArray::new(context)?;
    for section in compiled.sections.iter() {
        if name == section.name.as_str() {
            let bytes = array_buffer(&section.bytes, context)?;
            list.push(bytes, context)?;
        }
    }
    Ok(list.into())
}

fn module_argument(arguments: &[JsValue], what: &str, count: usize) -> JsResult<Compiled> {
    require(arguments, count, what)?;
    compiled(arguments.get_or_undefined(0))
        .ok_or_else(|| type_error(format!("{what}: a WebAssembly.Module is required")))
}

fn described(members: &[(&str, &str)], context: &mut Context) -> JsResult<JsObject> {
    let object = JsObject::with_object_proto(context.intrinsics());
    for (name, value) in members {
        let value = js_string!(*value);
        object.create_data_property(JsString::from(*name), value, context)?;
    }
    Ok(object)
}
