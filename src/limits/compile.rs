//! Bounds of the compiler.

/// Most bytes of one source. The largest module of npm that was measured (zod, unminified) has 0.8
/// MB.
pub const SOURCE_BYTES_MAX: usize = 4 << 20;

/// Most diagnostics reported for one source: enough to fix a file by, small enough for a page.
pub const DIAGNOSTICS_MAX: usize = 20;

/// Most characters of the source's line that an excerpt shows. Minified code has lines of
/// megabytes.
pub const EXCERPT_CHARS_MAX: usize = 160;

/// Native stack, in KB, that the nesting of a source may need: what compiles must survive the
/// compiler's and the engine's recursion on a thread of 64 MB, with 8 MB to spare for what is below
/// it on the stack.
///
/// Costs were measured with the unoptimised build, on such a thread, as the deepest nesting that
/// survives; the engine is always the first to fail. An optimised build needs about an eighth.
pub const NESTING_STACK_KB_MAX: usize = 56 << 10;

/// Stack of a level of brackets or template: methods and classes in expressions died at 296,
/// objects and functions at 343, calls and parentheses later.
pub const NESTING_LEVEL_KB: usize = 256;

/// Stack of an operator that nests to its right, as `!`, `=>`, `? :`, and of `else if`, `if`, `for`
/// without braces: `for` died at 1,750, the others at 2,500 and later.
pub const NESTING_PREFIX_KB: usize = 48;

/// Stack of a link in a chain that nests to its left, as `a + a + a`, `a.b.c`, `a, a, a`: the last
/// died at 34,000.
pub const NESTING_LINK_KB: usize = 2;

/// Brackets that a JSX element becomes: a call, an object, an array.
pub const NESTING_LEVELS_OF_JSX: usize = 3;

/// Longest chain. The engine's time grows with its square: 22,000 `.b` take ten seconds, 5,000 half
/// of one.
pub const CHAIN_LINKS_MAX: usize = 5_000;

/// How often something may be read twice within something read twice (`extends` of a class in an
/// `extends`, `<A>(` in parentheses): 12 take a twentieth of a second, 24 take minutes.
pub const NESTING_DOUBLINGS_MAX: usize = 12;
