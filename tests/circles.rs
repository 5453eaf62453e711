//! Sibling modules do not use each other in a circle: a rule of CONTRIBUTING.md. A parent and its
//! child may use each other. Tests may use anything.
//!
//! It reads the source files, because the compiler allows such circles.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use source::{Module, Modules};

#[test]
fn no_sibling_modules_use_each_other_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = fs::read_dir(root).expect("the repository");
    let folders = folders.map(|folder| folder.expect("a folder").path().join("src"));
    let (mut crates, mut modules, mut circles) = (0, 0, String::new());
    for folder in folders.chain([root.join("src")]) {
        if folder.is_dir() {
            let read = Modules::read(&folder);
            crates += 1;
            modules += read.len();
            circles += &described(root, &folder, &read);
        }
    }
    assert!(crates > 10 && modules > 300, "{modules} of {crates} crates");
    assert!(circles.is_empty(), "circles:\n{circles}");
}

#[test]
fn a_circle_is_found_however_the_modules_name_each_other() {
    for (a, b, root) in [
        ("use crate::b::Thing;", "use super::a::Other;", ""),
        ("use crate::{x, b::{self}};", "fn f() { crate::a::f() }", ""),
        (
            "fn f() -> super::b::Thing { 'a' }",
            "use crate::a as other;",
            "",
        ),
        // by a name that their parent gives to something of the other
        ("use crate::Thing;", "use crate::a::f;", "pub use b::Thing;"),
        (
            "use super::Thing;",
            "use super::a::f;",
            "use crate::b::Other as Thing;",
        ),
    ] {
        let circles = circles(&Modules::of(&[("", root), ("a", a), ("b", b)]));
        assert_eq!(circles.len(), 1, "{a} {b} {root}");
    }
    let longer = [
        ("", ""),
        ("a::deep", "use crate::b;"),
        ("a", ""),
        ("b", "use crate::c::deep;"),
        ("c", ""),
        ("c::deep", "use crate::a::Thing;"),
    ];
    assert_eq!(circles(&Modules::of(&longer)).len(), 1);
}

#[test]
fn what_is_not_a_circle_is_not_found() {
    for (a, b) in [
        ("use crate::b::Thing;", "use crate::Other; use serde::a;"),
        ("use crate::b::Thing;", "// use crate::a;\n/* crate::a */"),
        (
            "use crate::b::Thing;",
            r##"const C: &str = r#""crate::a"#; const D: char = '"';"##,
        ),
        (
            "use crate::b::Thing;",
            "#[cfg(test)] mod tests { use crate::a; }",
        ),
        (
            "use crate::b::Thing;",
            "#[cfg(test)] mod tests; #[cfg(test)] use crate::a;",
        ),
        // a child and its parent
        ("use self::child::Thing;", "use crate::Thing;"),
        ("", "use crate::a::child::Thing;"),
    ] {
        let child = ("a::child", "use super::f; use crate::a::g;");
        let modules = Modules::of(&[("", "use b::f;"), ("a", a), child, ("b", b)]);
        assert!(circles(&modules).is_empty(), "{a} {b}");
    }
}

/// The circles of a crate, a line each, and below it each use that is part of it.
fn described(root: &Path, folder: &Path, modules: &Modules) -> String {
    let folder = folder.strip_prefix(root).unwrap_or(folder);
    let mut text = String::new();
    for circle in circles(modules) {
        let _ = writeln!(text, "{}: {}", folder.display(), circle.names.join(" -> "));
        for used in circle.uses {
            let _ = writeln!(text, "    {used}");
        }
    }
    text
}

struct Circle {
    /// The modules, from one of them back to itself.
    names: Vec<String>,
    /// The module and what it uses, for every use from one of them to the next.
    uses: Vec<String>,
}

/// By parent and child: the siblings of the child that it uses, and where it does so.
type Siblings = BTreeMap<(Module, String), BTreeMap<String, BTreeSet<String>>>;

/// A circle for each set of siblings that has one.
fn circles(modules: &Modules) -> Vec<Circle> {
    let mut siblings = Siblings::new();
    for (from, path, to) in modules.uses() {
        let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        if let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) {
            let of_one = siblings.entry((from[..shared].to_vec(), a.clone()));
            let uses = of_one.or_default().entry(b.clone()).or_default();
            uses.insert(format!("{} uses {path}", from.join("::")));
        }
    }
    let parents: BTreeSet<&Module> = siblings.keys().map(|(parent, _)| parent).collect();
    parents
        .into_iter()
        .filter_map(|parent| circle(parent, &siblings))
        .collect()
}

/// The shortest circle among the children of a module.
fn circle(parent: &Module, siblings: &Siblings) -> Option<Circle> {
    let used_by = |name: &String| siblings.get(&(parent.clone(), name.clone()));
    let children = siblings.keys().filter(|(of, _)| of == parent);
    let ways = children.filter_map(|(_, start)| {
        let mut ways = vec![vec![start.clone()]];
        let mut seen = BTreeSet::new();
        while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                for next in used_by(way.last()?).into_iter().flat_map(BTreeMap::keys) {
                    let way = [way.as_slice(), std::slice::from_ref(next)].concat();
                    if next == start {
                        return Some(way);
                    }
                    if seen.insert(next.clone()) {
                        longer.push(way);
                    }
                }
            }
            ways = longer;
        }
        None
    });
    let names = ways.min_by_key(Vec::len)?;
    let steps = names.windows(2);
    let uses = steps.flat_map(|step| used_by(&step[0]).expect("it has uses")[&step[1]].clone());
    Some(Circle {
        uses: uses.collect(),
        names,
    })
}
