//! Reads the state of processes from Linux' `/proc`, and sends them signals.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::wait_until;

/// Sends `signal` to a process that this test started.
pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process id");
    kill_process(pid, signal).expect("the process is there");
}

/// Sends `signal` to those of these processes that are still there.
pub(crate) fn send_to_all(processes: &[u32], signal: Signal) {
    for pid in processes.iter().filter(|pid| state(**pid).is_some()) {
        let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw);
        // it may end at this moment
        let _ = kill_process(pid.expect("a process id"), signal);
    }
}

/// The most memory that a process has had, in MiB.
pub(crate) fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok());
    kib.expect("a number") / 1024
}

/// The letter of a process' state (proc_pid_stat(5)) and its parent, or `None` if it is gone.
fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // the name before them is in parentheses, and may contain any character
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The letter of a process' state, or `None` if the process is gone or a zombie.
pub(crate) fn state(pid: u32) -> Option<char> {
    state_and_parent(pid)
        .map(|(state, _)| state)
        .filter(|state| !matches!(state, 'Z' | 'X'))
}

/// Every process that descends from this one.
pub(crate) fn descendants(ancestor: u32) -> Vec<u32> {
    let mut family = vec![ancestor];
    let processes: Vec<u32> = fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(
            processes
                .iter()
                .filter(|pid| state_and_parent(**pid).is_some_and(|(_, other)| other == parent)),
        );
        next += 1;
    }
    family.split_off(1)
}

/// Waits until none of these processes is left.
pub(crate) async fn wait_until_gone(processes: &[u32]) {
    wait_until(&format!("{processes:?} end"), async || {
        processes
            .iter()
            .all(|pid| state(*pid).is_none())
            .then_some(())
    })
    .await;
}
