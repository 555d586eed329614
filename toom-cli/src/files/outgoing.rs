//! A file that the user sends.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::time::Instant;
use toom_files::{Fingerprint, Source, Ticket};
use toom_net::protocol::{FileName, FileOffer, NameWord, TransferId};

use super::desk::Told;
use super::fault::Fault;
use super::job::{Job, Needs};
use super::{Done, Over, Stage, What, marks};

/// Sends the file `path` to `user`, from the hash to the last word.
pub(super) async fn run(mut job: Job, user: NameWord, path: PathBuf) {
    let ended = send(&mut job, &user, path).await.map_err(Over::from);
    job.close(ended).await;
}

/// Who has said yes, and where they listen.
struct Receiver {
    address: SocketAddr,
    fingerprint: Fingerprint,
    ticket: Ticket,
}

async fn send(job: &mut Job, user: &NameWord, path: PathBuf) -> Result<Done, Fault> {
    let transfer = job.transfer.clone();
    let hash = async { Ok(Source::open(&path, &transfer).await?) };
    let source = job.during(user.as_str(), Needs::Nothing, hash).await?;
    job.is_file(source.name(), source.bytes());
    job.server().await?;
    let id = offer(job, user, &source).await?;
    let receiver = answer(job, user).await?;
    job.say(What::Accepted).await;
    let began = Instant::now();
    match straight(job, user, &source, &receiver).await {
        Err(Fault::Unreachable) => relayed(job, user, &source, &receiver, id).await?,
        sent => sent?,
    }
    Ok(Done { took: began.elapsed(), bytes_resumed: job.transfer.bytes_resumed(), path: None })
}

async fn offer(job: &mut Job, user: &NameWord, source: &Source) -> Result<TransferId, Fault> {
    let name = FileName::parse(source.name()).map_err(|error| Over::failed(&error))?;
    let fingerprint = marks::fingerprint_word(job.endpoint()?.fingerprint());
    let file = FileOffer { bytes: source.bytes(), hash: marks::hash_word(source.hash()), fingerprint, name };
    job.waits(Some(Stage::Offered));
    job.will_be_named();
    let named = job.client().offer_file(user, file).await;
    job.is_named(named.as_ref().ok().copied());
    let id = named?;
    job.say(What::Offered).await;
    Ok(id)
}

/// Waits until the receiver says yes.
async fn answer(job: &mut Job, user: &NameWord) -> Result<Receiver, Over> {
    loop {
        if let Told::Accept { address, receiver, ticket } = job.hear(user.as_str()).await? {
            return Ok(Receiver { address, fingerprint: receiver, ticket });
        }
    }
}

async fn straight(job: &mut Job, user: &NameWord, source: &Source, to: &Receiver) -> Result<(), Fault> {
    let (endpoint, transfer) = (job.endpoint()?, job.transfer.clone());
    let work = async { Ok(endpoint.send(to.address, to.fingerprint, to.ticket, source, &transfer).await?) };
    job.during(user.as_str(), Needs::Nothing, work).await
}

async fn relayed(
    job: &mut Job,
    user: &NameWord,
    source: &Source,
    to: &Receiver,
    id: TransferId,
) -> Result<(), Fault> {
    let (endpoint, transfer) = (job.endpoint()?, job.transfer.clone());
    let pipe = job.client().relay_file(id).await.map_err(|error| {
        let Over { ending, why } = Fault::from(error).into();
        Over::new(ending, format!("UDP does not get through, and the server does not relay it: {why}"))
    })?;
    job.relayed().await;
    let work = async { Ok(endpoint.send_over(pipe, to.fingerprint, to.ticket, source, &transfer).await?) };
    job.during(user.as_str(), Needs::Server, work).await
}
