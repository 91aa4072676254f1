//! Programs: from what a program is given as, to what a process loads. Compiles every module, adds
//! what is imported of the system, and gives the whole a digest.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::compile::{CompileError, Options, SourceKind, map_stack};
use super::compile_cache::Output;
use super::compiler::Compiler;
use super::nursery::Realm;
use crate::grant::Grant;
use crate::image;
use crate::isolate::resolve;
use crate::limits::{Limits, MODULES_MAX};
use crate::storage::{Deadline, Namespace};
use crate::wire::{
    self, Down, Failure, Isolation, ModuleBody, ModuleKind, ModuleSpec, Outcome, ProgramSpec,
    Start, StartModule, Trust,
};

/// How long reading the overrides may take.
const STATEMENTS: Duration = Duration::from_secs(10);

/// A program that a process can load.
pub struct Prepared {
    /// The frame that loads it.
    pub start: Vec<u8>,
    /// Equal for programs that are equal in all that a process sees while it loads.
    pub digest: [u8; 32],
    pub isolation: Isolation,
    /// Hardened where there is a module that may have no authority.
    pub realm: Realm,
    /// Whether the process may ask for modules that the program lacks.
    outputs: HashMap<String, Arc<Output>>,
    /// Whether something of the system in it is not the image's.
    pub overridden: bool,
}

/// What a process may do, as far as the program can see it.
#[derive(Debug, Clone, Copy)]
pub struct Visible {
    pub storage: bool,
    pub loader: bool,
    pub outbound: bool,
}

/// The files of the system in force in one instance: overrides by path, over the image.
#[derive(Debug, Clone, Default)]
pub struct System {
    overrides: HashMap<String, String>,
}

impl System {
    /// Whether anything takes the place of the image.
    pub fn is_overridden(&self) -> bool {
        !self.overrides.is_empty()
    }
}

impl System {
    /// The image with these files over it.
    pub fn with(overrides: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            overrides: overrides.into_iter().collect(),
        }
    }

    /// The text in force.
    pub fn file(&self, path: &str) -> Option<&str> {
        self.overrides
            .get(path)
            .map(String::as_str)
            .or_else(|| image::file(path))
    }
}

/// Where the overrides of an instance are kept. Most programs import nothing of the system, and so
/// need not know them.
pub enum Overrides {
    None,
    Of(Namespace),
    /// Not those that are kept, but these.
    Given(System),
}

impl Overrides {
    /// Those of an instance, if it has a namespace to keep them in.
    pub fn of(grant: &Grant) -> Self {
        grant.storage().map_or(Overrides::None, |namespace| {
            Overrides::Of(namespace.clone())
        })
    }

    async fn system(&self) -> Result<System, Failure> {
        let namespace = match self {
            Overrides::None => return Ok(System::default()),
            Overrides::Given(system) => return Ok(system.clone()),
            Overrides::Of(namespace) => namespace,
        };
        let overrides = namespace.overrides(Deadline::after(STATEMENTS)).await;
        let overrides =
            overrides.map_err(|error| Failure::new(Outcome::Load, error.to_string()))?;
        Ok(System::with(
            overrides.into_iter().map(|file| (file.path, file.source)),
        ))
    }
}

impl Prepared {
    /// Compiles and closes a program. `overrides` are read at the first import of a system file.
    pub async fn new(
        spec: &ProgramSpec,
        overrides: &Overrides,
        visible: Visible,
        limits: &Limits,
        compiler: &Compiler,
    ) -> Result<Self, Failure> {
        let mut closing = Closing {
            compiler,
            modules: Vec::new(),
            outputs: HashMap::new(),
        };
        let overridden = closing.close(spec, overrides).await?;
        let mut modules = closing.modules;
        modules.sort_by(|a, b| a.specifier.cmp(&b.specifier));
        let start = Start {
            main: spec.main.clone(),
            modules,
            env: spec.env.clone(),
            storage: visible.storage,
            loader: visible.loader,
            outbound: visible.outbound,
            resolve: spec.resolve.is_some(),
            memory_mb: limits.memory_mb,
            log_bytes: limits.log_bytes,
        };
        let libraries = start
            .modules
            .iter()
            .any(|module| !module.trust.trusted && module.specifier != start.main);
        let mut frame = Vec::new();
        wire::encode(&Down::Start(Box::new(start)), &mut frame)
            .map_err(|error| Failure::new(Outcome::Load, error.to_string()))?;
        let digest = Sha256::digest(&frame).into();
        let isolation = spec.isolation;
        Ok(Self {
            start: frame,
            digest,
            isolation,
            realm: if libraries {
                Realm::Hardened
            } else {
                Realm::Open
            },
            outputs: closing.outputs,
            overridden,
        })
    }

    /// A text with positions in compiled code, as one with the author's.
    pub fn author_positions(&self, text: &str) -> String {
        if !text.contains(':') {
            return text.to_string();
        }
        map_stack(text, |specifier| {
            self.outputs.get(specifier).map(|output| output.positions())
        })
    }
}

struct Closing<'a> {
    compiler: &'a Compiler,
    modules: Vec<StartModule>,
    outputs: HashMap<String, Arc<Output>>,
}

impl Closing<'_> {
    // Says whether something takes the place of the image.
    async fn close(&mut self, spec: &ProgramSpec, overrides: &Overrides) -> Result<bool, Failure> {
        let mut known: Option<System> = None;
        let given: HashMap<&str, &ModuleSpec> = spec
            .modules
            .iter()
            .map(|(name, module)| (name.as_str(), module))
            .collect();
        let mut seen: HashSet<String> = HashSet::new();
        let mut queue: VecDeque<String> = VecDeque::from([spec.main.clone()]);
        // What nothing imports by a literal may be imported by a computed name.
        queue.extend(spec.modules.iter().map(|(name, _)| name.clone()));
        while let Some(specifier) = queue.pop_front() {
            if !seen.insert(specifier.clone()) {
                continue;
            }
            if seen.len() > MODULES_MAX {
                return Err(Failure::limit(
                    Outcome::Load,
                    "modules",
                    MODULES_MAX as u64,
                    format!("The program has more than {MODULES_MAX} modules"),
                ));
            }
            let module = match given.get(specifier.as_str()) {
                Some(module) => Some((*module).clone()),
                None if specifier.starts_with(image::SCHEME) => {
                    let system = match known.take() {
                        Some(known) => known,
                        None => overrides.system().await?,
                    };
                    of_system(known.insert(system), &specifier)
                }
                None => None,
            };
            let Some(module) = module else { continue };
            let (module, imports) = self.module(&specifier, &module).await?;
            let target = |import: &String| resolve(import, &specifier, &module.imports);
            queue.extend(imports.iter().map(target));
            self.modules.push(module);
        }
        self.check_names();
        Ok(known.is_some_and(|system| system.is_overridden()))
    }

    // A module that imports a name which the other lacks does not link. The engine says only the
    // name, so it is found here, with its place.
    fn check_names(&mut self) {
        let outputs = &self.outputs;
        let missing = |module: &StartModule| {
            let specifier = &module.specifier;
            let output = outputs.get(specifier)?;
            output.compiled.imports.iter().find_map(|import| {
                let from = resolve(&import.specifier, specifier, &module.imports);
                let exports = &outputs.get(&from)?.compiled.exports;
                let known = |name: &String| exports.iter().any(|e| e == name || e == "*");
                let name = import.names.iter().find(|name| !known(name))?;
                Some(format!(
                    "{from} has no export named {name} ({specifier}:{}:{})",
                    import.line, import.column
                ))
            })
        };
        for module in &mut self.modules {
            if let Some(message) = missing(module) {
                module.body = ModuleBody::Broken(message);
            }
        }
    }

    async fn module(
        &mut self,
        specifier: &str,
        module: &ModuleSpec,
    ) -> Result<(StartModule, Vec<String>), Failure> {
        let (body, trust, names, imports) = match module {
            ModuleSpec::Redirect(next) => {
                let body = ModuleBody::Redirect(next.clone());
                (body, Trust::full(), Vec::new(), vec![next.clone()])
            }
            ModuleSpec::Bytes { bytes, trust } => {
                let body = ModuleBody::Bytes(bytes.clone());
                (body, trust.clone(), Vec::new(), Vec::new())
            }
            ModuleSpec::Source {
                kind,
                source,
                trust,
                jsx_import_source,
                imports: names,
            } => {
                let kind = match kind {
                    ModuleKind::Json => {
                        let body = ModuleBody::Json(source.clone());
                        return Ok(simple(specifier, body, trust));
                    }
                    ModuleKind::Text => {
                        let body = ModuleBody::Text(source.clone());
                        return Ok(simple(specifier, body, trust));
                    }
                    ModuleKind::Cjs => {
                        let body = ModuleBody::CommonJs(source.clone());
                        let (module, imports) = simple(specifier, body, trust);
                        let imports_by_name = names.clone();
                        return Ok((
                            StartModule {
                                imports: imports_by_name,
                                ..module
                            },
                            imports,
                        ));
                    }
                    ModuleKind::Ts => SourceKind::Ts,
                    ModuleKind::Tsx => SourceKind::Tsx,
                    ModuleKind::Js => SourceKind::Js,
                    ModuleKind::Jsx => SourceKind::Jsx,
                };
                let options = Options {
                    kind,
                    jsx_import_source: jsx_import_source.clone(),
                    runs_here: true,
                };
                let (body, imports) = self.source(specifier, source, &options).await?;
                (body, trust.clone(), names.clone(), imports)
            }
        };
        let module = StartModule {
            specifier: specifier.to_string(),
            body,
            trust,
            imports: names,
        };
        Ok((module, imports))
    }

    async fn source(
        &mut self,
        specifier: &str,
        source: &str,
        options: &Options,
    ) -> Result<(ModuleBody, Vec<String>), Failure> {
        match self.compiler.compile(source, options).await {
            Ok(output) => {
                let imports = output
                    .compiled
                    .imports
                    .iter()
                    .map(|i| i.specifier.clone())
                    .collect();
                let code = output.compiled.code.clone();
                self.outputs.insert(specifier.to_string(), output);
                Ok((ModuleBody::Code(code), imports))
            }
            // Another attempt may succeed, so the program is not kept.
            Err(error @ CompileError::Internal { .. }) => {
                Err(Failure::new(Outcome::Load, at_place(specifier, &error)))
            }
            Err(error) => {
                let broken = ModuleBody::Broken(at_place(specifier, &error));
                Ok((broken, Vec::new()))
            }
        }
    }
}

fn of_system(system: &System, specifier: &str) -> Option<ModuleSpec> {
    let path = specifier.strip_prefix(image::SCHEME)?;
    let source = system.file(path)?.to_string();
    let kind = match path.rsplit('.').next() {
        Some("ts") => ModuleKind::Ts,
        Some("tsx") => ModuleKind::Tsx,
        Some("js") => ModuleKind::Js,
        Some("json") => ModuleKind::Json,
        _ => ModuleKind::Text,
    };
    Some(ModuleSpec::Source {
        kind,
        source,
        trust: Trust::full(),
        jsx_import_source: None,
        imports: Vec::new(),
    })
}

/// Compiles a module that came after the program was closed.
pub async fn late_module(
    specifier: &str,
    module: &ModuleSpec,
    compiler: &Compiler,
) -> Result<StartModule, Failure> {
    let mut closing = Closing {
        compiler,
        modules: Vec::new(),
        outputs: HashMap::new(),
    };
    let (module, _) = closing.module(specifier, module).await?;
    Ok(module)
}

fn simple(specifier: &str, body: ModuleBody, trust: &Trust) -> (StartModule, Vec<String>) {
    (
        StartModule {
            specifier: specifier.to_string(),
            body,
            trust: trust.clone(),
            imports: Vec::new(),
        },
        Vec::new(),
    )
}

fn at_place(specifier: &str, error: &CompileError) -> String {
    match error.diagnostic() {
        Some(place) => format!(
            "{} ({specifier}:{}:{})\n{}",
            place.message, place.line, place.column, place.excerpt
        ),
        None => format!("{error} ({specifier})"),
    }
}
