//! Submissions, and which of them are refused.

use std::sync::atomic::Ordering;

use calotype::error::{Error, Refusal};
use calotype::jobs::submit::{self, Request};
use calotype::model::job::{Kind, Phase};
use calotype::store::jobs;
use calotype::tree::place::Names;
use rand::Rng;
use rand::seq::IndexedRandom;

use super::model::Path;
use super::sequence::{FAIR, FOLDER_NAMES, Running, Sequence};

/// Names that folders get by small copies alone.
const SMALL_NAMES: [&str; 6] = ["d", "e", "f", "g", "h", "i"];

impl Sequence<'_> {
    fn any_pair(&mut self) -> (Path, Path) {
        if let Some(pair) = &self.bent_on
            && self.random.random_bool(0.7)
        {
            return pair.clone();
        }
        let source = if self.random.random_bool(0.9) { self.known_path() } else { self.any_path() };
        let destination = if self.random.random_bool(0.8) { self.known_path() } else { self.any_path() };
        (source, destination)
    }

    pub(super) async fn submit(&mut self) {
        let (source, mut destination) = self.any_pair();
        let kind = *[Kind::Copy, Kind::Copy, Kind::Move, Kind::Move, Kind::Move, Kind::Rename]
            .choose(&mut self.random)
            .expect("kinds");
        let Some((last, parent)) = source.split_last() else { return };
        let mut name = last.clone();
        if kind == Kind::Rename {
            destination = parent.to_vec();
            name = (*FOLDER_NAMES.choose(&mut self.random).expect("names")).to_owned();
        }
        let mut request = Request {
            kind,
            source: self.real(&source),
            source_as_sent: "as sent".into(),
            destination: self.real(&destination),
            target_name: name.clone(),
            include_versions: kind == Kind::Copy && self.random.random_bool(0.5),
            purge_cache: kind == Kind::Rename && self.random.random_bool(0.5),
            names: Names::Verbatim,
            caller: "public_test".into(),
            is_retry: false,
        };
        let mut sent = (source, destination);
        if self.random.random_bool(0.15)
            && let Some((last, source, destination)) = self.last_request.clone()
        {
            (request, sent) = (last, (source, destination));
        }
        let (source, destination) = sent;
        self.send(request, source, destination).await;
    }

    /// Copies of folders without sub-folders to places that are mostly free, of which a step may make several at once.
    pub(super) async fn submit_small_copies(&mut self) {
        for name in SMALL_NAMES {
            let source = self.known_path();
            if source.is_empty() || !self.model.root.at(&source).expect("known").folders.is_empty() {
                continue;
            }
            let destination = self.known_path();
            let request = Request {
                kind: Kind::Copy,
                source: self.real(&source),
                source_as_sent: "as sent".into(),
                destination: self.real(&destination),
                target_name: name.into(),
                include_versions: false,
                purge_cache: false,
                names: Names::Verbatim,
                caller: "public_test".into(),
                is_retry: false,
            };
            self.send(request, source, destination).await;
        }
    }

    async fn send(&mut self, request: Request, source: Path, destination: Path) {
        let name = request.target_name.clone();
        self.last_request = Some((request.clone(), source.clone(), destination.clone()));
        let same = self.running.iter().find(|(_, job)| same_request(&job.request, &request)).map(|(id, _)| *id);
        let happens = self.maybe_fault();
        let answer = submit::submit(self.app(), &request).await;
        if let Some(same) = same {
            self.fault.store(FAIR, Ordering::Relaxed);
            self.seen.resent += 1;
            assert_eq!(answer.expect("the job of the first request"), same, "seed {}", self.seed);
            return;
        }
        let expected = self.refusal(&request, &source, &destination, &name);
        match (answer, expected) {
            (Err(Error::Refused(refusal)), Some(expected)) => {
                self.fault.store(FAIR, Ordering::Relaxed);
                assert_eq!(refusal, expected, "seed {}: {request:?}", self.seed);
            }
            (Ok(id), None) => drop(self.running.insert(id, Running { request, start: None })),
            // The answer of the commit was lost, and the job is there. The client sends it again.
            (Err(_), None) if happens => {
                let id = submit::submit(self.app(), &request).await.expect("the job of the first request");
                let mut tx = self.app().db.read().await.expect("a transaction");
                let job = jobs::by_id(&mut tx, id).await.expect("a read").expect("the job");
                assert!(!self.running.contains_key(&id) && job.phase == Phase::Start, "seed {}: {job:?}", self.seed);
                self.running.insert(id, Running { request, start: None });
            }
            (Err(Error::Fenced), None) => {}
            (answer, expected) => panic!("seed {}: {request:?}: {answer:?}, expected {expected:?}", self.seed),
        }
    }

    fn refusal(&self, request: &Request, source: &[String], destination: &[String], name: &str) -> Option<Refusal> {
        let target: Path = [destination, &[name.to_owned()]].concat();
        let exists = self.model.root.at(source).is_some();
        if request.kind == Kind::Rename {
            return match () {
                () if target == source => Some(Refusal::SameName("newFolderName")),
                () if !exists => Some(Refusal::NoFolder("as sent".into())),
                () if self.model.root.at(&target).is_some() => Some(Refusal::FolderTaken(name.into())),
                () => None,
            };
        }
        match () {
            () if destination == source || target == source => Some(Refusal::SameSourceAndDestination),
            () if !exists => Some(Refusal::NothingAtSource("as sent".into())),
            () if request.kind == Kind::Move && destination.starts_with(source) => Some(Refusal::IntoItself),
            () => None,
        }
    }
}

fn same_request(one: &Request, other: &Request) -> bool {
    let of = |request: &Request| {
        (
            request.kind,
            request.source.clone(),
            request.destination.clone(),
            request.target_name.clone(),
            request.include_versions,
            request.purge_cache,
        )
    };
    of(one) == of(other)
}
