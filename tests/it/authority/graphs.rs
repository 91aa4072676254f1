//! Over generated import graphs: a module has authority exactly where a way of edges that hand it
//! on leads to it, and one that is reachable only through an untrusted edge never has.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use super::Arena;

/// Graphs that are tried; they share one town.
const GRAPHS: usize = 40;
/// Modules of a graph. Few, so that many meet.
const MODULES: usize = 7;

#[derive(Debug, Clone)]
struct Node {
    trusted: bool,
    group: Option<&'static str>,
    /// To which module, whether by a dynamic import, and whether it says `authority: "caller"`.
    edges: Vec<(usize, bool, bool)>,
}

fn graph() -> impl Strategy<Value = Vec<Node>> {
    let group = prop_oneof![3 => Just(None), 1 => Just(Some("a")), 1 => Just(Some("b"))];
    let edges = vec((0..MODULES, any::<bool>(), prop::bool::weighted(0.3)), 0..4);
    let node = (any::<bool>(), group, edges).prop_map(|(trusted, group, edges)| Node {
        trusted,
        group,
        edges,
    });
    vec(node, MODULES)
}

/// Every module as it is met: its number and whether it has authority.
fn expected(graph: &[Node]) -> BTreeSet<(usize, bool)> {
    let mut met = BTreeSet::new();
    let mut waiting = vec![(0, true)];
    while let Some((number, authority)) = waiting.pop() {
        if !met.insert((number, authority)) {
            continue;
        }
        let node = &graph[number];
        for &(to, _, handed) in &node.edges {
            let target = &graph[to];
            let together = target.group.is_some() && target.group == node.group;
            let passes = to == 0 || target.trusted || together || handed;
            waiting.push((to, authority && passes));
        }
    }
    met
}

/// Each module notes its number and what it sees, by every name there is for it.
fn program(graph: &[Node]) -> Value {
    let mut modules = Map::new();
    for (number, node) in graph.iter().enumerate() {
        let mut source = String::new();
        for &(to, dynamic, handed) in &node.edges {
            let with = match (dynamic, handed) {
                (_, false) => "",
                (false, true) => " with { authority: 'caller' }",
                (true, true) => ", { with: { authority: 'caller' } }",
            };
            source += &if dynamic {
                format!("(globalThis.pending ??= []).push(import('m{to}'{with}));\n")
            } else {
                format!("import 'm{to}'{with};\n")
            };
        }
        source += "import { env, loader } from 'town:kernel';\n";
        source += &format!(
            "(globalThis.seen ??= []).push([{number}, env.SECRET !== undefined, loader !== undefined,
            Deno.env.has('SECRET'), process.env.SECRET !== undefined, import.meta.env.SECRET !== undefined]);\n"
        );
        if number == 0 {
            source += "export const run = async () => {
                while (globalThis.pending?.length) await globalThis.pending.pop();
                return globalThis.seen;
            };\n";
        }
        let mut module = json!({ "type": "js", "source": source, "trusted": node.trusted });
        if let Some(group) = node.group {
            module["group"] = json!(group);
        }
        let name = if number == 0 {
            "main".to_string()
        } else {
            format!("m{number}")
        };
        modules.insert(name, module);
    }
    modules.insert("m0".to_string(), json!({ "redirect": "main" }));
    Value::Object(modules)
}

#[tokio::test]
async fn authority_goes_only_where_edges_hand_it_on() {
    let arena = Arena::start().await;
    let mut runner = TestRunner::deterministic();
    let (mut with, mut without) = (0, 0);
    for _ in 0..GRAPHS {
        let graph = graph().new_tree(&mut runner).expect("a graph").current();
        let seen = arena.run(program(&graph)).await;
        let mut met = BTreeSet::new();
        for entry in seen.as_array().expect("a list") {
            let number = entry[0].as_u64().expect("a number");
            let views: BTreeSet<bool> = (1..6).filter_map(|at| entry[at].as_bool()).collect();
            assert_eq!(views.len(), 1, "module {number} of {graph:?}: {entry}");
            let authority = views.contains(&true);
            met.insert((usize::try_from(number).expect("small"), authority));
        }
        assert_eq!(met, expected(&graph), "{graph:?}");
        with += met.iter().filter(|(_, authority)| *authority).count();
        without += met.iter().filter(|(_, authority)| !authority).count();
    }
    // The graphs are no use if one of the two hardly occurs.
    assert!(with > GRAPHS && without > GRAPHS, "{with} {without}");
}
