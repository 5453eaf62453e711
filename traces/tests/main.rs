//! Tests of traces through their public interface, in one program, which is linked only once.

mod merge;
mod one_answer;
mod runs;
mod sources;
mod systems;
