//! One file or folder per subcommand. Each takes the command's arguments, makes one call into a
//! library, and prints the result.

pub(crate) mod attack;
pub(crate) mod audit;
pub(crate) mod burst;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod explain;
pub(crate) mod function;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod map;
pub(crate) mod matrix;
pub(crate) mod merge;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod switch;
pub(crate) mod traces;
pub(crate) mod up;
