//! The consumer as a Lambda function of its own: what `bootstrap` in its package is.

use baton_functions::{Function, StartError, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    run(Function::Consumer).await
}
