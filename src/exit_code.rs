//! The exit codes and their meaning.

/// The meaning of an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command did its work and found no problem.
    Done,
    /// A check failed, or something was lost.
    CheckFailed,
    /// The command line or an input is wrong.
    WrongInput,
    /// The system or a network prevented the work.
    NotCarriedOut,
    /// A signal ended the command.
    Interrupted,
}

impl Exit {
    /// Every exit code, in ascending order.
    pub(crate) const ALL: [Exit; 5] = [
        Exit::Done,
        Exit::CheckFailed,
        Exit::WrongInput,
        Exit::NotCarriedOut,
        Exit::Interrupted,
    ];

    /// The exit code as a number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::CheckFailed => 1,
            Exit::WrongInput => 2,
            Exit::NotCarriedOut => 3,
            Exit::Interrupted => 130,
        }
    }

    /// What the number means, in one line.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "done, and all is well",
            Exit::CheckFailed => "a check failed, or a record or a request was lost",
            Exit::WrongInput => "wrong usage, or an input that cannot be read",
            Exit::NotCarriedOut => {
                "not carried out: a file, a port or an endpoint could not be used"
            }
            Exit::Interrupted => "interrupted by a signal",
        }
    }
}

/// The table of exit codes, one line each, for the help and the manual page.
pub(crate) fn exit_codes() -> String {
    let line = |exit: Exit| format!("  {:<3} {}", exit.code(), exit.meaning());
    Exit::ALL.map(line).join("\n")
}
