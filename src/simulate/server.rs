//! A loopback HTTP/1.1 server around the simulator: the same answers over real sockets, wire faults included.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::quota::Clock;

use super::carry::carry;
use super::simulator::Simulator;
use super::trip::WireFault;

/// No request of a client is larger.
const BODY_MAX: usize = 64 * 1024 * 1024;

/// Serves on `listener` until `shutdown` is ready; connections still open are closed then.
///
/// # Errors
/// The listener fails for good. A connection that fails to be accepted ends only itself.
pub async fn serve(
    listener: TcpListener,
    simulator: Arc<Mutex<Simulator>>,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&simulator), clock.clone()));
                }
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => return Err(error),
            },
        }
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

async fn connection(stream: TcpStream, simulator: Arc<Mutex<Simulator>>, clock: Clock) {
    // Answers are small and latency is what is being played: waiting for more to send would distort it.
    // A socket that refuses the option is only slower.
    stream.set_nodelay(true).unwrap_or_default();
    let service = service_fn(|request| exchange(request, &simulator, &clock));
    let served = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
    // The client went away, or a wire fault ended the connection on purpose.
    served.unwrap_or_default();
}

type Answer = Response<Either<Full<Bytes>, CutBody>>;

async fn exchange(
    request: Request<Incoming>,
    simulator: &Mutex<Simulator>,
    clock: &Clock,
) -> Result<Answer, WireFault> {
    let (parts, body) = request.into_parts();
    // A body that breaks off never became a request.
    let body = Limited::new(body, BODY_MAX).collect().await.map_err(|_| WireFault::Reset)?.to_bytes();
    let reply = carry(simulator, clock, &Request::from_parts(parts, body)).await;
    match reply.fault {
        None => Ok(reply.response.map(|body| Either::Left(Full::new(body)))),
        Some(WireFault::CutBody) => Ok(cut(reply.response)),
        // An error of the service makes hyper drop the connection without a byte.
        Some(fault @ (WireFault::Reset | WireFault::Hang)) => Err(fault),
    }
}

/// Promises the whole length and delivers half.
fn cut(response: Response<Bytes>) -> Answer {
    let (mut parts, body) = response.into_parts();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    Response::from_parts(parts, Either::Right(CutBody { half: Some(half), flushed: false }))
}

#[derive(Debug)]
struct CutBody {
    half: Option<Bytes>,
    flushed: bool,
}

impl Body for CutBody {
    type Data = Bytes;
    type Error = WireFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WireFault>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.flushed {
            // hyper writes out what it has when a body is not ready; an error at once would swallow the first half.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(WireFault::CutBody)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
