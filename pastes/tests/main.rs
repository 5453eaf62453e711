//! Tests of pastes through their public interface, in one program, which is linked only once.

mod forms;
mod properties;
