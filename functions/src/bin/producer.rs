//! The producer as a separate Lambda function: the program `bootstrap` in its package.

use baton_functions::{Function, StartError, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    run(Function::Producer).await
}
