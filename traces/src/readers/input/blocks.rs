//! Reads lines in blocks on several threads, and hands the results over in the order of the input.
//!
//! Decoding costs most of the time. So each thread reads a block, decodes it in parallel with the
//! others, and then waits for its turn to hand it over. The order, and so every result, is the same
//! as on one thread.

use std::io::{BufRead, Read};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::lines::LineError;
use crate::threads::cores;

/// How many bytes are decoded at once. A block ends at the end of a line.
const BLOCK_BYTES: usize = 1 << 20;

/// How many threads decode at most. More would only wait for their turns.
const MAX_THREADS: usize = 16;

/// How many threads there are for each core, so that cores are busy while some of them wait.
const THREADS_PER_CORE: usize = 2;

/// Reads complete lines, about [`BLOCK_BYTES`] at a time.
pub(in crate::readers) struct Blocks<R> {
    input: R,
    /// The part of the next block that was already read.
    rest: Vec<u8>,
    bytes_limit: usize,
}

impl<R: BufRead> Blocks<R> {
    /// Lines longer than `bytes_limit` are refused.
    pub(in crate::readers) fn new(input: R, bytes_limit: usize) -> Self {
        Blocks {
            input,
            rest: Vec::new(),
            bytes_limit,
        }
    }

    /// Reads the next block into `block`. Only the last block of the input may end without a line
    /// feed. An empty block means the end. After an error, `block` holds the complete lines before
    /// it.
    pub(in crate::readers) fn next_block(&mut self, block: &mut Vec<u8>) -> Result<(), LineError> {
        block.clear();
        block.append(&mut self.rest);
        loop {
            // The rest contains no end of a line.
            let before = block.len();
            if before > self.bytes_limit {
                block.clear();
                return Err(LineError::TooLong);
            }
            let limit = u64::try_from(BLOCK_BYTES).unwrap_or(u64::MAX);
            let read = self.input.by_ref().take(limit).read_to_end(block);
            let line_end = block[before..].iter().rposition(|byte| *byte == b'\n');
            let line_end = line_end.map(|end| before + end);
            match (read, line_end) {
                (Ok(0), _) => return Ok(()),
                (Ok(_), Some(end)) => {
                    self.rest.extend_from_slice(&block[end + 1..]);
                    block.truncate(end + 1);
                    return Ok(());
                }
                (Ok(_), None) => {}
                (Err(error), _) => {
                    block.truncate(line_end.map_or(0, |end| end + 1));
                    return Err(LineError::Input(error));
                }
            }
        }
    }
}

/// Reads all blocks. `work` gets each block with its [`Turn`], on any thread. It may decode the
/// block before it waits for the turn, and returns whether to go on. Returns the state, and the
/// error that ended reading, if any.
pub(in crate::readers) fn in_turn<S: Send>(
    blocks: Blocks<impl BufRead + Send>,
    state: S,
    work: impl Fn(&[u8], Turn<'_, S>) -> bool + Sync,
) -> (S, Option<LineError>) {
    let source = Mutex::new(Source {
        blocks: Some(blocks),
        number: 0,
        error: None,
    });
    let turns = Turns {
        state: Mutex::new(InTurn { state, next: 0 }),
        changed: Condvar::new(),
    };
    let threads = (cores() * THREADS_PER_CORE).min(MAX_THREADS);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| work_through(&source, &turns, &work));
        }
        work_through(&source, &turns, &work);
    });
    let in_turn = turns.state.into_inner();
    let source = source.into_inner();
    (
        in_turn.unwrap_or_else(PoisonError::into_inner).state,
        source.unwrap_or_else(PoisonError::into_inner).error,
    )
}

struct Source<R> {
    /// `None` at the end of the input.
    blocks: Option<Blocks<R>>,
    number: u64,
    error: Option<LineError>,
}

struct Turns<S> {
    state: Mutex<InTurn<S>>,
    changed: Condvar,
}

struct InTurn<S> {
    state: S,
    next: u64,
}

/// The right to use the state after all earlier blocks. An unused turn passes to the next block.
pub(in crate::readers) struct Turn<'a, S> {
    turns: &'a Turns<S>,
    number: u64,
    used: bool,
}

impl<'a, S> Turn<'a, S> {
    /// Waits for all earlier blocks. Dropping the result starts the turn of the next block.
    pub(in crate::readers) fn wait(mut self) -> Current<'a, S> {
        self.used = true;
        self.current()
    }

    fn current(&self) -> Current<'a, S> {
        let mut state = lock(&self.turns.state);
        while state.next != self.number {
            let waited = self.turns.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        Current {
            state,
            turns: self.turns,
        }
    }
}

impl<S> Drop for Turn<'_, S> {
    fn drop(&mut self) {
        if !self.used {
            drop(self.current());
        }
    }
}

/// The state during a turn.
pub(in crate::readers) struct Current<'a, S> {
    state: MutexGuard<'a, InTurn<S>>,
    turns: &'a Turns<S>,
}

impl<S> Current<'_, S> {
    pub(in crate::readers) fn state(&mut self) -> &mut S {
        &mut self.state.state
    }
}

impl<S> Drop for Current<'_, S> {
    fn drop(&mut self) {
        self.state.next += 1;
        self.turns.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work_through<S>(
    source: &Mutex<Source<impl BufRead>>,
    turns: &Turns<S>,
    work: &impl Fn(&[u8], Turn<'_, S>) -> bool,
) {
    let mut block = Vec::new();
    loop {
        let turn = {
            let mut source = lock(source);
            let Some(blocks) = &mut source.blocks else {
                return;
            };
            let read = blocks.next_block(&mut block);
            if read.is_err() || block.is_empty() {
                source.blocks = None;
            }
            source.error = read.err();
            if block.is_empty() {
                return;
            }
            source.number += 1;
            Turn {
                turns,
                number: source.number - 1,
                used: false,
            }
        };
        if !work(&block, turn) {
            lock(source).blocks = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_in_order_whatever_thread_reads_them() {
        let line = |number: usize| format!("{number} {}", "x".repeat(number % 5000));
        let text: String = (0..5000).map(|number| line(number) + "\n").collect();
        let text = text + "the end";
        let blocks = Blocks::new(text.as_bytes(), 1 << 20);
        let (lines, error) = in_turn(blocks, Vec::new(), |block, turn| {
            let lines: Vec<_> = block
                .split(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect();
            turn.wait().state().extend(lines);
            true
        });
        assert!(error.is_none());
        let lines: Vec<_> = lines.iter().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 5001);
        for (number, read) in lines.iter().take(5000).enumerate() {
            assert_eq!(**read, line(number).as_bytes());
        }
        assert_eq!(lines[5000], b"the end");
    }

    #[test]
    fn no_block_is_handed_over_after_the_one_that_says_stop() {
        let text = "x".repeat(1023) + "\n";
        let text = text.repeat(20 << 10);
        let blocks = Blocks::new(text.as_bytes(), 1 << 20);
        let (handed_over, _) = in_turn(blocks, (0, false), |_, turn| {
            let mut current = turn.wait();
            let (count, stopped) = current.state();
            *count += u64::from(!*stopped);
            *stopped |= *count == 3;
            !*stopped
        });
        assert_eq!(handed_over.0, 3);
    }

    #[test]
    fn a_line_beyond_the_limit_ends_it() {
        let text = format!("short\n{}\n", "x".repeat(3 << 20));
        let (read, error) = in_turn(Blocks::new(text.as_bytes(), 2 << 20), 0, |block, turn| {
            *turn.wait().state() += block.len();
            true
        });
        assert!(matches!(error, Some(LineError::TooLong)));
        assert_eq!(read, "short\n".len());
    }
}
