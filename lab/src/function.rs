//! One function: a queue of invocations, and as many processes as it needs.
//!
//! An instance handles one invocation at a time. If all instances are busy, another one is started,
//! up to a limit. At the limit, invocations wait in a queue of limited length. When the environment
//! changes, an instance with the new environment starts first, and the old instances end only
//! between invocations, so that no request is lost.

pub(crate) mod environment;
mod instance;
pub(crate) mod invocation;
mod starting;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use crate::monitoring::FunctionStatus;

use instance::InstanceId;
use invocation::{Invocation, InvocationError};

/// How many invocations may wait for an instance.
const MAX_WAITING: usize = 1000;
/// How many bytes of events may wait for an instance.
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;
const STOPPING: &str = "the lab is shutting down";
/// After how many failed starts in a row a function is reported as broken.
const START_ATTEMPTS: u32 = 3;

/// What all instances of a function share.
#[derive(Debug)]
pub(crate) struct FunctionSettings {
    /// `producer` or `consumer`.
    pub(crate) name: &'static str,
    /// Program and arguments.
    pub(crate) command: Vec<std::ffi::OsString>,
    /// The most instances at a time.
    pub(crate) instances: usize,
    /// How long one invocation may take.
    pub(crate) timeout: Duration,
    /// Whether instances are stopped between invocations.
    pub(crate) freeze: bool,
    /// Receives the output of the processes.
    pub(crate) log: std::fs::File,
    /// The path of that file.
    pub(crate) log_path: std::path::PathBuf,
}

/// A function with its instances. Clones are handles to the same function.
#[derive(Clone, Debug)]
pub(crate) struct Function(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: FunctionSettings,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    environment: Arc<BTreeMap<String, String>>,
    /// Counts the environments. Instances of earlier generations end between invocations.
    generation: u64,
    /// The generation that a switch is starting.
    coming: Option<Coming>,
    last_generation: u64,
    instances: BTreeMap<InstanceId, InstanceState>,
    next_instance: InstanceId,
    /// Free instances. The last one was used most recently, so it is the warmest.
    free: Vec<(InstanceId, oneshot::Sender<Invocation>)>,
    waiting: VecDeque<Invocation>,
    failed_starts: u32,
    last_failure: Option<(Instant, String)>,
    stopping: bool,
    invocations: u64,
    errors: u64,
    cold_start: Option<Duration>,
    tasks: JoinSet<()>,
}

/// A generation that is starting and does not serve yet.
#[derive(Debug)]
struct Coming {
    generation: u64,
    /// Why its first process did not start.
    failure: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct InstanceState {
    generation: u64,
    /// Whether it has asked for its first event.
    started: bool,
}

/// The answer to an instance that asks for its next event.
pub(crate) enum Next {
    /// Handle this.
    Invoke(Invocation),
    /// There is no event yet. It will come through this channel.
    Wait(oneshot::Receiver<Invocation>),
    /// The instance must end: its configuration is out of date, or the lab stops.
    Retire,
}

impl Function {
    pub(crate) fn new(settings: FunctionSettings, environment: BTreeMap<String, String>) -> Self {
        Function(Arc::new(Shared {
            settings,
            state: Mutex::new(State {
                environment: Arc::new(environment),
                generation: 0,
                coming: None,
                last_generation: 0,
                instances: BTreeMap::new(),
                next_instance: 0,
                free: Vec::new(),
                waiting: VecDeque::new(),
                failed_starts: 0,
                last_failure: None,
                stopping: false,
                invocations: 0,
                errors: 0,
                cold_start: None,
                tasks: JoinSet::new(),
            }),
            changed: Notify::new(),
        }))
    }

    pub(crate) fn settings(&self) -> &FunctionSettings {
        &self.0.settings
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Invokes the function with an event and waits for its answer.
    ///
    /// # Errors
    /// If too many invocations are waiting, or the function gives no answer; see
    /// [`InvocationError`].
    pub(crate) async fn invoke(&self, event: Bytes) -> Result<Bytes, InvocationError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Invocation {
            request_id: invocation::request_id(),
            event,
            reply,
        })?;
        let function = self.0.settings.name;
        let answer = answer
            .await
            .unwrap_or(Err(InvocationError::NotTaken { function }));
        if answer.is_err() {
            self.state().errors += 1;
        }
        answer
    }

    fn enqueue(&self, mut invocation: Invocation) -> Result<(), InvocationError> {
        let mut state = self.state();
        state.invocations += 1;
        if state.stopping {
            return Err(InvocationError::NotStarting {
                function: self.0.settings.name,
                reason: STOPPING.to_owned(),
            });
        }
        while let Some((_, instance)) = state.free.pop() {
            match instance.send(invocation) {
                Ok(()) => return Ok(()),
                // the instance's connection is gone; the end of its process is noticed elsewhere
                Err(returned) => invocation = returned,
            }
        }
        let bytes = state.waiting.iter().map(|waiting| waiting.event.len());
        let bytes = bytes.sum::<usize>() + invocation.event.len();
        if state.waiting.len() >= MAX_WAITING || bytes > MAX_WAITING_BYTES {
            state.errors += 1;
            return Err(InvocationError::Throttled {
                function: self.0.settings.name,
                instances: self.0.settings.instances,
                waiting: state.waiting.len(),
            });
        }
        state.waiting.push_back(invocation);
        self.scale_out(&mut state);
        Ok(())
    }

    /// Examines the state, now and after every change, until `look` returns something.
    async fn find<T>(&self, look: impl Fn(&State) -> Option<T>) -> T {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            // registered before looking, so that no change is missed
            changed.as_mut().enable();
            let found = look(&self.state());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }

    /// An instance asks for its next event. On its first call, `cold_start` is the time since its
    /// process was started.
    pub(crate) fn next(&self, id: InstanceId, cold_start: Option<Duration>) -> Next {
        let mut state = self.state();
        let state = &mut *state;
        let Some(instance) = state.instances.get_mut(&id) else {
            return Next::Retire;
        };
        if !instance.started {
            instance.started = true;
            state.failed_starts = 0;
            state.cold_start = cold_start;
            self.0.changed.notify_waiters();
        }
        let generation = instance.generation;
        let is_coming = state
            .coming
            .as_ref()
            .is_some_and(|coming| coming.generation == generation);
        if state.stopping || generation != state.generation && !is_coming {
            return Next::Retire;
        }
        while let Some(invocation) = state.waiting.pop_front() {
            // the caller has gone and wants no answer; its request was never accepted
            if !invocation.reply.is_closed() {
                return Next::Invoke(invocation);
            }
        }
        let (sender, receiver) = oneshot::channel();
        state.free.push((id, sender));
        Next::Wait(receiver)
    }

    /// An instance's process has ended. `failure` says how. That matters if it never asked for an
    /// event.
    pub(crate) fn ended(&self, id: InstanceId, failure: String) {
        let mut state = self.state();
        let state = &mut *state;
        state.free.retain(|(free, _)| *free != id);
        if let Some(InstanceState {
            started: false,
            generation,
        }) = state.instances.remove(&id)
        {
            match &mut state.coming {
                Some(coming) if coming.generation == generation => coming.failure = Some(failure),
                _ => {
                    state.failed_starts += 1;
                    state.last_failure = Some((Instant::now(), failure));
                }
            }
        }
        let is_broken = state.failed_starts >= START_ATTEMPTS
            && !state.instances.values().any(|instance| instance.started);
        if is_broken {
            let reason = state
                .last_failure
                .take()
                .map(|(_, failure)| failure)
                .unwrap_or_default();
            state.failed_starts = 0;
            // No instance would ever take them.
            self.refuse_waiting(state, &reason);
        }
        self.scale_out(state);
        self.0.changed.notify_waiters();
    }

    fn refuse_waiting(&self, state: &mut State, reason: &str) {
        for waiting in state.waiting.drain(..) {
            let _ = waiting.reply.send(Err(InvocationError::NotStarting {
                function: self.0.settings.name,
                reason: reason.to_owned(),
            }));
        }
    }

    /// Lets instances finish their current work and then ends them, within `patience`. Invocations
    /// that no instance has taken are refused.
    pub(crate) async fn stop(&self, patience: Duration) {
        {
            let mut state = self.state();
            state.stopping = true;
            state.free.clear();
            self.refuse_waiting(&mut state, STOPPING);
        }
        let ended = self.find(|state| state.instances.is_empty().then_some(()));
        let _ = tokio::time::timeout(patience, ended).await;
    }

    /// Ends all instances at once.
    pub(crate) fn abort(&self) {
        let mut state = self.state();
        state.stopping = true;
        state.tasks.abort_all();
    }

    /// The function's present state, for the lab's status.
    pub(crate) fn status(&self) -> FunctionStatus {
        let state = self.state();
        FunctionStatus {
            propagation: environment::propagation(&state.environment),
            instances: state.instances.len(),
            waiting: state.waiting.len(),
            invocations: state.invocations,
            errors: state.errors,
            cold_start_ms: state
                .cold_start
                .map(|cold_start| cold_start.as_secs_f64() * 1000.0),
        }
    }
}

#[cfg(test)]
mod tests;
