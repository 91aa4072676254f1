//! The `town` command: read the command line, serve or carry, exit.

use std::io::{IsTerminal as _, Write as _};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use town::carrying;
use town::config::{CommandLine, Config, Task};
use town::eval::body::Body;
use town::eval::children::{PROCESS_ARGUMENT, SOCKET_FD};
use town::eval::slot::Caller;
use town::http::inbound;
use town::kernel::Kernel;
use town::repair;
use town::wire::RequestHead;

fn main() -> ExitCode {
    // A process of the kernel's own, before anything else is set up.
    if std::env::args().nth(1).as_deref() == Some(PROCESS_ARGUMENT) {
        // SAFETY: whoever starts the binary with this argument gives it this descriptor.
        let socket = unsafe { OwnedFd::from_raw_fd(SOCKET_FD) };
        town::isolate::main(socket);
    }
    let task = CommandLine::parse().into_task();
    let filter = tracing_subscriber::EnvFilter::try_from_env("TOWN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let served = match runtime {
        Ok(runtime) => runtime.block_on(run(task)),
        Err(error) => Err(format!("the runtime cannot be started: {error}")),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("town: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(task: Task) -> Result<(), String> {
    let done = match task {
        Task::Serve(config) => return serve(*config).await,
        Task::Overrides(act) => {
            let said = repair::run(act).await.map_err(|error| error.to_string())?;
            print!("{said}");
            return Ok(());
        }
        Task::Export(carry) => carrying::export_folder(&carry).await,
        Task::Import(carry) => carrying::import_folder(&carry),
    };
    println!("town: {}", done.map_err(|error| error.to_string())?);
    Ok(())
}

async fn serve(config: Config) -> Result<(), String> {
    let listen = config.listen;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    let port = listener
        .local_addr()
        .map_err(|error| error.to_string())?
        .port();
    let base = match &config.base_url {
        Some(url) => url.as_str().trim_end_matches('/').to_string(),
        None => format!("http://localhost:{port}"),
    };
    let kernel = Kernel::start(config, base.clone())
        .await
        .map_err(|error| error.to_string())?;
    look_once(&kernel, &base).await;
    announce(&base)?;
    inbound::serve(kernel, listener, stop_signal())
        .await
        .map_err(|error| error.to_string())
}

// The first request is the kernel's own: the program does what it does at its first start, and the
// readiness line is true.
async fn look_once(kernel: &std::sync::Arc<Kernel>, base: &str) {
    let head = RequestHead {
        method: "GET".into(),
        url: format!("{base}/healthz"),
        headers: Vec::new(),
    };
    match kernel.handle(head, Body::Empty, Caller::default()).await {
        Ok((status, ..)) if status < 400 => {}
        Ok((status, ..)) => tracing::error!("the town's own health check answered {status}"),
        Err(failure) => {
            tracing::error!(
                "the town does not answer: {}\n{}",
                failure.message,
                failure.stack
            );
        }
    }
}

fn announce(base: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "town: ready at {base}/")
        .and_then(|()| out.flush())
        .map_err(|error| format!("standard output: {error}"))
}

async fn stop_signal() {
    let both = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    match both {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}
