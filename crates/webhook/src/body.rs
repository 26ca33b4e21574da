//! Reads the body of a request within bounds: of its size, of memory, of time, and of the rate at
//! which it arrives.
//!
//! The minimum rate is enforced only while memory is scarce. A body that is being read holds no
//! evaluation permit, so one that is slow because the machine is busy delays no other request, and
//! giving it up early would admit its object unevaluated.
//!
//! A body that exceeds a bound still gives its prefix, which contains the uid. Its rest is read and
//! discarded, so that the caller can send all of it and then read the answer.

use super::{
    caller_timeout::TimeBudget,
    memory_budget::{BudgetExhausted, MemoryBudget, MemoryCharge},
    review::MAX_BODY_BYTES,
};
use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes};
use std::time::{Duration, Instant};
use tokio::time;

/// The size of a prefix. The API server writes the uid in the first two hundred bytes.
const MAX_PREFIX_BYTES: usize = 4 << 10;
/// The number of bytes of a body that are read, discarded ones included.
const MAX_DISCARDED_BYTES: usize = 256 << 20;
/// The time that the first bytes of a body may take while memory is scarce.
const RATE_GRACE_PERIOD: Duration = Duration::from_secs(1);
/// The average rate after the grace period, while memory is scarce.
const MIN_BYTES_PER_SECOND: u32 = 64 << 10;

/// A body, or the prefix of one that exceeds a bound.
pub(super) enum ReadBody {
    /// The whole body.
    Complete(Bytes),
    /// The prefix of a body that is larger than [`MAX_BODY_BYTES`].
    TooLarge(Bytes),
    /// The prefix of a body that there is no memory for.
    NoMemory(Bytes),
    /// The prefix of a body that arrived too slowly, or not before the deadline.
    TooSlow(Bytes),
    /// The connection was closed.
    Disconnected,
}

/// Reads a body until its evaluation may no longer start. Its buffer is charged as it grows.
pub(super) async fn read_body(
    body: Body,
    charge: &mut MemoryCharge,
    time: &TimeBudget,
) -> ReadBody {
    let mut incoming = IncomingBody::new(body, time, Some(charge.budget().clone()));
    let announced = incoming.body.size_hint().lower();
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > MAX_BODY_BYTES {
        return ReadBody::TooLarge(incoming.discard(Vec::new()).await);
    }
    let mut buffer = Vec::new();
    loop {
        let chunk = tokio::select! {
            // A chunk that has arrived comes before an eviction: it may be the last one.
            biased;
            chunk = incoming.next_chunk() => chunk,
            () = charge.evicted() => return ReadBody::NoMemory(incoming.discard(buffer).await),
        };
        let data = match chunk {
            Chunk::Data(data) => data,
            Chunk::End => break,
            Chunk::TooSlow => return ReadBody::TooSlow(prefix_of(&buffer)),
            Chunk::Disconnected => return ReadBody::Disconnected,
        };
        if incoming.received_bytes > MAX_BODY_BYTES {
            return ReadBody::TooLarge(incoming.discard(buffer).await);
        }
        match reserve(&mut buffer, data.len(), announced, charge) {
            Ok(()) => buffer.extend_from_slice(&data),
            Err(BudgetExhausted) => {
                buffer.extend_from_slice(data.get(..MAX_PREFIX_BYTES).unwrap_or(&data));
                return ReadBody::NoMemory(incoming.discard(buffer).await);
            }
        }
    }
    charge.pin();
    ReadBody::Complete(Bytes::from(buffer))
}

/// Reads the prefix of a body that will not be evaluated, and discards the rest.
pub(super) async fn read_prefix(body: Body, time: &TimeBudget) -> Bytes {
    let incoming = IncomingBody::new(body, time, None);
    incoming.discard(Vec::new()).await
}

/// Makes room for `additional` bytes in the buffer, after charging it. The capacity doubles, but
/// not beyond the announced length.
fn reserve(
    buffer: &mut Vec<u8>,
    additional: usize,
    announced: usize,
    charge: &mut MemoryCharge,
) -> Result<(), BudgetExhausted> {
    let needed = buffer.len() + additional;
    if needed > buffer.capacity() {
        let doubled = buffer.capacity().saturating_mul(2);
        let capacity = if announced >= needed {
            doubled.min(announced)
        } else {
            doubled
        };
        let capacity = capacity.max(needed);
        charge.grow_to(capacity)?;
        buffer.reserve_exact(capacity - buffer.len());
    }
    Ok(())
}

/// A body that is being received.
struct IncomingBody {
    body: Body,
    start: Instant,
    received_bytes: usize,
    time: TimeBudget,
    /// The budget that the body is charged to. `None` for a body that is discarded: the minimum
    /// rate always applies to it.
    budget: Option<MemoryBudget>,
}

enum Chunk {
    Data(Bytes),
    End,
    /// The deadline of the body has passed, or the rate is below the minimum.
    TooSlow,
    Disconnected,
}

impl IncomingBody {
    fn new(body: Body, time: &TimeBudget, budget: Option<MemoryBudget>) -> Self {
        Self {
            body,
            start: now(),
            received_bytes: 0,
            time: *time,
            budget,
        }
    }

    async fn next_chunk(&mut self) -> Chunk {
        loop {
            let chunk_deadline = self.chunk_deadline();
            match time::timeout_at(chunk_deadline.into(), self.body.frame()).await {
                Err(_) if now() >= self.deadline() || self.is_rate_enforced() => {
                    return Chunk::TooSlow;
                }
                // Memory is not scarce: wait on.
                Err(_) => {}
                Ok(None) => return Chunk::End,
                Ok(Some(Err(_))) => return Chunk::Disconnected,
                Ok(Some(Ok(frame))) => {
                    // Frames without data are trailers.
                    if let Ok(data) = frame.into_data() {
                        self.received_bytes += data.len();
                        return Chunk::Data(data);
                    }
                }
            }
        }
    }

    /// Returns the time at which the body must be complete. While nothing has arrived, there is no
    /// uid that could be answered to, so waiting is the only choice.
    fn deadline(&self) -> Instant {
        if self.received_bytes == 0 {
            self.time.deadline
        } else {
            self.time.latest_start()
        }
    }

    fn is_rate_enforced(&self) -> bool {
        self.budget.as_ref().is_none_or(MemoryBudget::is_scarce)
    }

    /// Returns the time at which the next byte is due by the minimum rate. If that has passed and
    /// the rate is not enforced, it is checked again after another grace period.
    fn chunk_deadline(&self) -> Instant {
        let received = u32::try_from(self.received_bytes).unwrap_or(u32::MAX);
        let seconds = f64::from(received) / f64::from(MIN_BYTES_PER_SECOND);
        let due = self.start + RATE_GRACE_PERIOD + Duration::from_secs_f64(seconds);
        let due = if due <= now() {
            now() + RATE_GRACE_PERIOD
        } else {
            due
        };
        self.deadline().min(due)
    }

    /// Reads the rest of the body and discards it. Returns the prefix of the body, of which
    /// `prefix` was read before.
    async fn discard(mut self, mut prefix: Vec<u8>) -> Bytes {
        prefix.truncate(MAX_PREFIX_BYTES);
        // The buffer of a body that was given up must not be kept.
        prefix.shrink_to_fit();
        while let Chunk::Data(data) = self.next_chunk().await {
            let missing = MAX_PREFIX_BYTES.saturating_sub(prefix.len());
            prefix.extend_from_slice(data.get(..missing).unwrap_or(&data));
            if self.received_bytes > MAX_DISCARDED_BYTES {
                break;
            }
        }
        prefix_of(&prefix)
    }
}

/// The time of the runtime's clock, which tests advance by hand.
fn now() -> Instant {
    time::Instant::now().into_std()
}

fn prefix_of(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes.get(..MAX_PREFIX_BYTES).unwrap_or(bytes))
}

#[cfg(test)]
mod tests;
