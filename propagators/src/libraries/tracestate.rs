//! How libraries keep `tracestate`: which members survive, and when all are dropped.

use std::borrow::Cow;

/// The most members that W3C allows.
const MAX_MEMBERS: usize = 32;
/// The most bytes that OpenTelemetry for JavaScript keeps.
const MAX_BYTES_JAVASCRIPT: usize = 512;
/// The longest `dd` member that Datadog for Go keeps, and the longest other member.
const MAX_DD_BYTES_GO: usize = 256;
const MAX_MEMBER_BYTES_GO: usize = 512;

/// OpenTelemetry for JavaScript: bad members are left out (`e.upperkey`), and the first 32 good
/// ones are kept.
pub(super) fn javascript(list: &str) -> String {
    let mut kept: Vec<(&str, &str)> = Vec::new();
    let mut bytes = 0;
    for member in list.split(',').map(str::trim) {
        let Some((key, value)) = member.split_once('=') else {
            continue;
        };
        let longer = bytes + member.len() + usize::from(!kept.is_empty());
        if !is_key(key, is_letter) || !is_value(value) || longer > MAX_BYTES_JAVASCRIPT {
            continue;
        }
        bytes = longer;
        match kept.iter_mut().find(|(known, _)| *known == key) {
            Some(known) => known.1 = value,
            None => kept.push((key, value)),
        }
        if kept.len() >= MAX_MEMBERS {
            break;
        }
    }
    joined(&kept)
}

/// OpenTelemetry for Python reads all headers together. A bad member, a repeated key or a 33rd
/// member drops everything.
pub(super) fn python(headers: &[Cow<'_, str>]) -> String {
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for member in headers.iter().flat_map(|header| header.split(',')) {
        let member = member.trim_matches([' ', '\t']);
        if member.is_empty() {
            continue;
        }
        match member.split_once('=') {
            Some((key, value)) if is_key(key, is_letter) && is_value(value) => {
                if kept.iter().any(|(known, _)| *known == key) {
                    return String::new();
                }
                kept.push((key, value));
                if kept.len() > MAX_MEMBERS {
                    return String::new();
                }
            }
            _ => return String::new(),
        }
    }
    joined(&kept)
}

/// OpenTelemetry for Java: like Python, but it reads only the first header.
pub(super) fn java(list: &str) -> String {
    let filled: Vec<&str> = list
        .split(',')
        .filter(|member| !member.trim_matches([' ', '\t']).is_empty())
        .collect();
    java_1_62(&filled.join(","))
}

/// OpenTelemetry for Java before 1.68, in Spring Boot: an empty member in the middle drops
/// everything (`e.emptymember`).
pub(super) fn java_1_62(list: &str) -> String {
    let members: Vec<&str> = list.trim_end_matches(',').split(',').collect();
    if members.len() > MAX_MEMBERS {
        return String::new();
    }
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for member in &members {
        let member = member.trim_matches([' ', '\t']);
        let Some((key, value)) = member.split_once('=') else {
            return String::new();
        };
        if is_key_java(key) && is_value(value) && !kept.iter().any(|(known, _)| *known == key) {
            kept.push((key, value));
        }
    }
    if kept.len() != members.len() {
        return String::new();
    }
    joined(&kept)
}

/// OpenTelemetry for Go: like Python, but it reads only the first header.
pub(super) fn go(list: &str) -> String {
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for member in list.split(',').filter(|member| !member.is_empty()) {
        let Some((key, value)) = member.split_once('=') else {
            return String::new();
        };
        let key = key.trim_start_matches([' ', '\t']);
        let value = value.trim_end_matches([' ', '\t']);
        let known = kept.iter().any(|(known, _)| *known == key);
        if !is_key(key, is_letter) || !is_value(value) || known {
            return String::new();
        }
        kept.push((key, value));
        if kept.len() > MAX_MEMBERS {
            return String::new();
        }
    }
    joined(&kept)
}

/// OpenTelemetry for Rust: members after the 32nd are cut off, and a bad member drops everything.
pub(super) fn rust(list: &str) -> String {
    let mut members = Vec::new();
    for member in list.split_terminator(',').take(MAX_MEMBERS) {
        let member = member.trim_matches([' ', '\t']);
        if member.is_empty() {
            continue;
        }
        let Some((key, value)) = member.split_once('=') else {
            return String::new();
        };
        members.push((key.to_owned(), value.trim_start_matches('=')));
    }
    rust_members(&members).unwrap_or_default()
}

/// The members, as OpenTelemetry for Rust checks them; `None` if one is bad.
pub(super) fn rust_members(members: &[(String, &str)]) -> Option<String> {
    let good = members
        .iter()
        .all(|(key, value)| is_key_rust(key) && value.len() <= 256 && !value.contains([',', '=']));
    let members: Vec<(&str, &str)> = members
        .iter()
        .take(MAX_MEMBERS)
        .map(|(key, value)| (key.as_str(), *value))
        .collect();
    good.then(|| joined(&members))
}

/// Datadog for JavaScript reads 32 members. It leaves out members without `=`, key or value,
/// members of more than 256 bytes, and members with a tab.
pub(super) fn datadog_javascript(list: &str) -> String {
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for member in list.split(',').take(MAX_MEMBERS) {
        let Some((key, value)) = member.split_once('=') else {
            continue;
        };
        let (key, value) = (key.trim(), value.trim_end());
        let bad = key.is_empty() || key.contains([' ', '\t']) || value.is_empty();
        if bad || value.len() > 256 || value.contains('\t') {
            continue;
        }
        match kept.iter_mut().find(|(known, _)| *known == key) {
            Some(_) => {}
            None => kept.push((key, value)),
        }
    }
    joined(&kept)
}

/// Datadog for Python: members are trimmed and otherwise unchanged, at most 32. A character that is
/// not visible ASCII drops everything.
pub(super) fn datadog_python(list: &str) -> String {
    let members: Vec<&str> = list
        .split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty())
        .take(MAX_MEMBERS)
        .collect();
    let list = members.join(",");
    match list.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        true => list,
        false => String::new(),
    }
}

/// Datadog for Go: unchanged, except that members that are too long are left out.
pub(super) fn datadog_go(list: &str) -> String {
    let fits = |member: &&str| {
        let member = member.trim_matches([' ', '\t']);
        let most = if member.starts_with("dd=") {
            MAX_DD_BYTES_GO
        } else {
            MAX_MEMBER_BYTES_GO
        };
        member.len() <= most
    };
    list.split(',').filter(fits).collect::<Vec<_>>().join(",")
}

/// Datadog for Java: unchanged, but a bad member or a 33rd one drops everything.
pub(super) fn datadog_java(list: &str) -> String {
    let filled = || {
        list.split(',')
            .map(|member| member.trim_matches([' ', '\t']))
            .filter(|member| !member.is_empty())
    };
    let good = |member: &str| {
        member
            .split_once('=')
            .is_some_and(|(key, value)| is_key(key, is_letter) && is_value(value))
    };
    if filled().count() <= MAX_MEMBERS && filled().all(good) {
        list.to_owned()
    } else {
        String::new()
    }
}

/// Datadog for Rust reads all headers together. A bad member drops everything, members after the
/// 32nd are cut off, and its own `dd` member is read and removed.
pub(super) fn datadog_rust(headers: &[Cow<'_, str>]) -> String {
    let values = headers
        .iter()
        .map(|value| value.trim())
        .filter(|value| !value.is_empty());
    let list = values.collect::<Vec<_>>().join(",");
    let good = |member: &&str| {
        member.split_once('=').is_some_and(|(key, value)| {
            is_key_rust(key) && !value.is_empty() && value.len() <= 256 && !value.contains('=')
        })
    };
    let members: Vec<&str> = list.split(',').take(MAX_MEMBERS).collect();
    if !members.iter().all(good) {
        return String::new();
    }
    let others = members
        .into_iter()
        .filter(|member| !member.starts_with("dd="));
    others.collect::<Vec<_>>().join(",")
}

/// The sampling priority in the `dd` member of a list.
pub(super) fn dd_priority(list: &str) -> Option<i64> {
    dd_member(list, "s").and_then(|priority| priority.parse().ok())
}

/// The value of a member in the `dd` entry of a list, as in `dd=s:2;o:rum`.
pub(super) fn dd_member<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    list.split(',')
        .find_map(|member| member.trim().strip_prefix("dd="))?
        .split(';')
        .find_map(|item| item.split_once(':').filter(|(key, _)| *key == name))
        .map(|(_, value)| value)
}

fn joined(members: &[(&str, &str)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    members.join(",")
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_lowercase()
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(&byte)
}

/// W3C level 1: a simple key begins with a letter; a key with `@` has up to 241 characters before
/// it and 14 after it.
fn is_key(key: &str, first: fn(u8) -> bool) -> bool {
    let part = |part: &str, most: usize, first: fn(u8) -> bool| {
        part.len() <= most
            && part.bytes().next().is_some_and(first)
            && part.bytes().all(is_key_byte)
    };
    match key.split_once('@') {
        None => part(key, 256, first),
        Some((tenant, system)) => {
            part(tenant, 241, |byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit()
            }) && part(system, 14, is_letter)
        }
    }
}

/// Like [`is_key`], but the part after `@` may begin with any character that a key may contain.
fn is_key_java(key: &str) -> bool {
    match key.split_once('@') {
        None => is_key(key, is_letter),
        Some((tenant, system)) => {
            is_key(&format!("{tenant}@a"), is_letter)
                && (1..=14).contains(&system.len())
                && system.bytes().all(is_key_byte)
        }
    }
}

/// A key may begin with a digit. `@` must not be the first character, and up to 13 more follow it.
fn is_key_rust(key: &str) -> bool {
    let first = |text: &str| {
        text.bytes()
            .next()
            .is_none_or(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let ends = match key.split_once('@') {
        None => true,
        Some((_, system)) => system.len() <= 13 && first(system) && !system.contains('@'),
    };
    let known = key.bytes().all(|byte| is_key_byte(byte) || byte == b'@');
    key.len() <= 256 && known && first(key) && ends
}

/// 1 to 256 visible characters except comma and equals sign. The last one is not a space.
fn is_value(value: &str) -> bool {
    let visible = |byte: u8| (b' '..0x7f).contains(&byte) && byte != b',' && byte != b'=';
    value.len() <= 256
        && value.bytes().all(visible)
        && value.bytes().last().is_some_and(|byte| byte != b' ')
}
