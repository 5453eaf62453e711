//! The modules of a crate and what they use, from its source files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The path of a module below its crate.
pub(super) type Module = Vec<String>;

/// The modules of a crate, without those of its tests.
pub(super) struct Modules(BTreeMap<Module, Uses>);

/// The paths that a module uses.
#[derive(Default)]
struct Uses {
    /// All of them.
    paths: Vec<Vec<String>>,
    /// Those that have a name in the module.
    named: BTreeMap<String, Vec<String>>,
}

/// How many names can stand for other names in a row.
const MAX_NAMES: usize = 16;

impl Modules {
    /// The modules in the `src` folder of a crate.
    pub(super) fn read(folder: &Path) -> Self {
        let mut texts = BTreeMap::new();
        read_folder(folder, &Vec::new(), &mut texts);
        Self::from(texts)
    }

    /// Modules with these paths and texts.
    pub(super) fn of(texts: &[(&str, &str)]) -> Self {
        let texts = texts.iter().map(|(path, text)| {
            let names = path.split("::").filter(|name| !name.is_empty());
            (names.map(str::to_owned).collect(), (*text).to_owned())
        });
        Self::from(texts.collect())
    }

    fn from(texts: BTreeMap<Module, String>) -> Self {
        let uses = texts.iter().map(|(module, text)| {
            let is_child = |name: &str| texts.contains_key(&child(module, name));
            (module.clone(), Uses::of(module, text, is_child))
        });
        Modules(uses.collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Every use: the module that uses something, the path by which it does so, and the module that
    /// has it.
    pub(super) fn uses(&self) -> impl Iterator<Item = (&Module, String, Module)> {
        self.0.iter().flat_map(move |(module, uses)| {
            let paths = uses.paths.iter();
            paths.map(move |path| (module, path.join("::"), self.owner(path)))
        })
    }

    /// The module that has what a path leads to. A name can stand for a path in another module.
    fn owner(&self, path: &[String]) -> Module {
        let mut path = path.to_vec();
        for _ in 0..MAX_NAMES {
            let lengths = (0..=path.len()).rev();
            let mut modules = lengths.map(|length| path.split_at(length));
            let Some((module, rest)) = modules.find(|(module, _)| self.0.contains_key(*module))
            else {
                break;
            };
            let named = rest.first().and_then(|name| self.0[module].named.get(name));
            match named {
                Some(named) if *named != path => path = [named, &rest[1..]].concat(),
                _ => return module.to_vec(),
            }
        }
        Vec::new()
    }
}

fn child(module: &Module, name: &str) -> Module {
    [module.as_slice(), &[name.to_owned()]].concat()
}

fn read_folder(folder: &Path, module: &Module, texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).expect("a folder of modules") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.expect("a name in UTF-8");
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            read_folder(&path, &child(module, name), texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = match name {
                "lib" | "main" => module.clone(),
                name => child(module, name),
            };
            let text = fs::read_to_string(&path).expect("source code");
            texts.entry(module).or_default().push_str(&text);
        }
    }
}

impl Uses {
    fn of(module: &Module, text: &str, is_child: impl Fn(&str) -> bool) -> Self {
        let tokens = tokens(text);
        let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
        let tokens = without_tests(&tokens);
        let mut uses = Uses::default();
        let mut rest = tokens.as_slice();
        while let Some((token, after)) = rest.split_first() {
            rest = after;
            let (tree, is_use) = match *token {
                "use" => (until(after, |token| token == ";"), true),
                "crate" | "super" | "self" if after.first() == Some(&"::") => {
                    let is_path = |token: &str| token != "::" && !is_name(token);
                    (
                        until(&tokens[tokens.len() - after.len() - 1..], is_path),
                        false,
                    )
                }
                _ => continue,
            };
            if !is_use {
                rest = &after[tree.len() - 1..];
            }
            for (path, name) in paths(tree) {
                let Some(path) = from_the_crate(module, &path, &is_child) else {
                    continue;
                };
                if is_use {
                    uses.named.insert(name, path.clone());
                }
                uses.paths.push(path);
            }
        }
        uses
    }
}

/// The path from the crate's root; `None` if it leads to another crate.
fn from_the_crate(
    module: &Module,
    path: &[&str],
    is_child: impl Fn(&str) -> bool,
) -> Option<Vec<String>> {
    let supers = path.iter().take_while(|name| **name == "super").count();
    let (base, rest) = match *path.first()? {
        "crate" => (&module[..0], &path[1..]),
        "self" => (&module[..], &path[1..]),
        "super" => (
            &module[..module.len().saturating_sub(supers)],
            &path[supers..],
        ),
        name if is_child(name) => (&module[..], path),
        _ => return None,
    };
    let rest = rest.iter().map(|name| (*name).to_owned());
    Some(base.iter().cloned().chain(rest).collect())
}

fn until<'a, 'b>(tokens: &'b [&'a str], is_end: impl Fn(&str) -> bool) -> &'b [&'a str] {
    let end = tokens.iter().position(|token| is_end(token));
    &tokens[..end.unwrap_or(tokens.len())]
}

/// The paths in `a::{b, c as d}`, each with the name that it gets.
fn paths<'a>(tree: &[&'a str]) -> Vec<(Vec<&'a str>, String)> {
    let head: Vec<&str> = until(tree, |token| matches!(token, "{" | "as"))
        .iter()
        .copied()
        .filter(|token| is_name(token))
        .collect();
    let alias = tree.iter().position(|token| *token == "as");
    let Some(open) = tree.iter().position(|token| *token == "{") else {
        let own = head.iter().rev().find(|name| **name != "self");
        let name = alias.and_then(|at| tree.get(at + 1)).or(own);
        let name = name.map_or_else(String::new, |name| (*name).to_owned());
        return vec![(head, name)];
    };
    let head: Vec<&str> = tree[..open]
        .iter()
        .copied()
        .filter(|token| is_name(token))
        .collect();
    let mut all = Vec::new();
    let (mut depth, mut start) = (0, open + 1);
    for (at, token) in tree.iter().enumerate().skip(open) {
        match *token {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 || depth == 1 && *token == "," {
            for (path, name) in paths(&tree[start..at]) {
                match path.as_slice() {
                    [] => {}
                    // `a::{self}` is `a`, and its name is that of `a` unless it gets another one
                    ["self"] if name.is_empty() => {
                        let name = head
                            .last()
                            .map_or_else(String::new, |name| (*name).to_owned());
                        all.push((head.clone(), name));
                    }
                    ["self"] => all.push((head.clone(), name)),
                    path => all.push(([head.as_slice(), path].concat(), name)),
                }
            }
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    all
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphanumeric() || first == '_')
}

/// The tokens without the items that only tests have.
fn without_tests<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    let mut kept = Vec::new();
    let mut rest = tokens;
    while !rest.is_empty() {
        if rest.starts_with(&["#", "[", "cfg", "(", "test", ")", "]"]) {
            rest = &rest[item(&rest[7..]) + 7..];
        } else {
            kept.push(rest[0]);
            rest = &rest[1..];
        }
    }
    kept
}

/// How many tokens the next item or element has.
fn item(tokens: &[&str]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        match *token {
            _ if depth < 0 => return at,
            ";" | "}" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// The names and signs of source code.
fn tokens(text: &str) -> Vec<String> {
    let stream = TokenStream::from_str(text).expect("Rust");
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<String>) {
    let mut is_joint = false;
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                tokens.push(open.to_owned());
                flatten(group.stream(), tokens);
                tokens.push(close.to_owned());
            }
            TokenTree::Ident(name) => tokens.push(name.to_string()),
            TokenTree::Punct(sign) if is_joint && sign.as_char() == ':' => {
                tokens.pop();
                tokens.push("::".to_owned());
                is_joint = false;
            }
            TokenTree::Punct(sign) => {
                tokens.push(sign.to_string());
                is_joint = sign.as_char() == ':' && sign.spacing() == Spacing::Joint;
            }
            TokenTree::Literal(_) => tokens.push("\"".to_owned()),
        }
    }
}
