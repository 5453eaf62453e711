//! Names many libraries in few words.

use super::{LIBRARIES, Library};

/// The words that divide a title into a family and one of its members.
const DIVISIONS: [&str; 2] = [" for ", " on "];

/// Names libraries by family: `OpenTelemetry (Java, Go), Spring Boot (both bridges), Brave`.
/// Versions appear only if some versions of a library are not meant.
pub fn in_short(libraries: &[&Library]) -> String {
    let families = families(libraries);
    let named = families
        .iter()
        .map(|(family, members)| one(family, members));
    named.collect::<Vec<_>>().join(", ")
}

/// How many libraries [`in_short`] names.
pub fn number(libraries: &[&Library]) -> usize {
    let families = families(libraries);
    families
        .iter()
        .map(|(_, members)| members.len().max(1))
        .sum()
}

/// Each family with the names of its members.
fn families(libraries: &[&Library]) -> Vec<(&'static str, Vec<String>)> {
    let mut families: Vec<(&str, Vec<String>)> = Vec::new();
    for library in libraries {
        let (family, member) = divided(library.title);
        let member = member.map(|member| without_version(member, family, libraries));
        let place = families.iter().position(|(known, _)| *known == family);
        let members = match place {
            Some(place) => &mut families[place].1,
            None => {
                families.push((family, Vec::new()));
                let last = families.len() - 1;
                &mut families[last].1
            }
        };
        members.extend(member.filter(|member| !members.contains(member)));
    }
    families
}

fn one(family: &str, members: &[String]) -> String {
    match members {
        [] => family.to_owned(),
        [member] => {
            let all = LIBRARIES.iter().map(|library| library.title);
            let title = |divider: &&&str| {
                all.clone()
                    .any(|title| title.starts_with(&format!("{family}{divider}")))
            };
            let divider = DIVISIONS.iter().find(title).copied().unwrap_or(" ");
            format!("{family}{divider}{member}")
        }
        [_, _] if family == "Spring Boot" => format!("{family} (both bridges)"),
        members => format!("{family} ({})", members.join(", ")),
    }
}

fn divided(title: &'static str) -> (&'static str, Option<&'static str>) {
    DIVISIONS
        .iter()
        .find_map(|division| title.split_once(division))
        .map_or((title, None), |(family, member)| (family, Some(member)))
}

/// A member without its version, if all its versions are meant.
fn without_version(member: &str, family: &str, libraries: &[&Library]) -> String {
    let Some((name, _)) = member.rsplit_once(' ') else {
        return member.to_owned();
    };
    let of_name = |library: &&Library| {
        let (of, member) = divided(library.title);
        of == family && member.is_some_and(|member| member.starts_with(name))
    };
    let meant = libraries.iter().filter(|library| of_name(library)).count();
    let all = LIBRARIES.iter().filter(|library| of_name(library)).count();
    if meant == all { name } else { member }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libraries::find;

    fn named(names: &[&str]) -> String {
        let libraries: Vec<&Library> = names.iter().filter_map(|name| find(name)).collect();
        in_short(&libraries)
    }

    #[test]
    fn families_are_named_once_and_versions_only_where_they_differ() {
        for (names, expected) in [
            (&["otel-java"][..], "OpenTelemetry for Java"),
            (&["otel-js@2", "otel-js@3"], "OpenTelemetry for JavaScript"),
            (
                &["otel-js@3", "otel-go"],
                "OpenTelemetry (JavaScript 3, Go)",
            ),
            (
                &["otel-js@2", "otel-js@3", "otel-go"],
                "OpenTelemetry (JavaScript, Go)",
            ),
            (&["spring-boot-brave"], "Spring Boot on Brave"),
            (
                &["brave", "spring-boot-brave", "spring-boot-otel"],
                "Brave, Spring Boot (both bridges)",
            ),
        ] {
            assert_eq!(named(names), expected);
        }
    }
}
