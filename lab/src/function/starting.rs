//! Starts instances: when invocations wait, and when the environment changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Coming, Function, InstanceState, START_ATTEMPTS, State, instance};
use crate::error::LabError;

/// How long no further instance is started after several failed to start.
const START_PAUSE: Duration = Duration::from_secs(1);

impl Function {
    /// Starts another instance if more invocations wait than instances are starting.
    pub(super) fn scale_out(&self, state: &mut State) {
        let starting = state
            .instances
            .values()
            .filter(|instance| !instance.started)
            .count();
        let paused = state.failed_starts >= START_ATTEMPTS
            && state
                .last_failure
                .as_ref()
                .is_some_and(|(time, _)| time.elapsed() < START_PAUSE);
        if state.waiting.len() > starting
            && state.instances.len() < self.0.settings.instances
            && !state.stopping
            && !paused
        {
            let (generation, environment) = (state.generation, Arc::clone(&state.environment));
            self.start_instance(state, generation, environment);
        }
    }

    fn start_instance(
        &self,
        state: &mut State,
        generation: u64,
        environment: Arc<BTreeMap<String, String>>,
    ) {
        let id = state.next_instance;
        state.next_instance += 1;
        state.instances.insert(
            id,
            InstanceState {
                generation,
                started: false,
            },
        );
        while state.tasks.try_join_next().is_some() {}
        state
            .tasks
            .spawn(instance::run(self.clone(), id, environment));
    }

    /// Starts the first instance and waits until it asks for an event.
    ///
    /// # Errors
    /// [`LabError::FunctionStart`] with the process's message, if it does not start.
    pub(crate) async fn start(&self) -> Result<(), LabError> {
        self.switch(self.environment()).await
    }

    /// Gives the function a new environment without losing a request. A new instance starts first;
    /// then the old ones end after their current work. On an error the old ones stay. This must run
    /// to its end, and not during another switch of the same function.
    ///
    /// # Errors
    /// [`LabError::FunctionStart`] if a process with the new environment does not start.
    pub(crate) async fn switch(
        &self,
        environment: BTreeMap<String, String>,
    ) -> Result<(), LabError> {
        let environment = Arc::new(environment);
        let generation = {
            let mut state = self.state();
            state.last_generation += 1;
            let generation = state.last_generation;
            state.coming = Some(Coming {
                generation,
                failure: None,
            });
            self.start_instance(&mut state, generation, Arc::clone(&environment));
            generation
        };
        let outcome = self.comes_up(generation).await;
        let mut state = self.state();
        let state = &mut *state;
        state.coming = None;
        outcome?;
        state.generation = generation;
        state.environment = environment;
        state.failed_starts = 0;
        // dropping the sender makes a free instance ask again, and then it is told to end
        let instances = &state.instances;
        state.free.retain(|(id, _)| {
            instances
                .get(id)
                .is_some_and(|instance| instance.generation == generation)
        });
        Ok(())
    }

    /// The variables that new processes are started with.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        (*self.state().environment).clone()
    }

    /// Waits until an instance of the new generation asks for an event, or has failed to start.
    async fn comes_up(&self, generation: u64) -> Result<(), LabError> {
        self.find(|state| {
            let mut instances = state.instances.values();
            if instances.any(|instance| instance.generation == generation && instance.started) {
                return Some(Ok(()));
            }
            let failure = state.coming.as_ref()?.failure.clone()?;
            Some(Err(LabError::FunctionStart {
                function: self.0.settings.name,
                reason: failure,
            }))
        })
        .await
    }
}
