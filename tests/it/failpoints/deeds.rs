//! What is done to a library between two looks at it.

use calotype::app::App;
use calotype::error::{Error, Result};
use calotype::jobs::submit::{Request, submit};
use calotype::jobs::sweep;
use calotype::library::placing::{self, At, Destination};
use calotype::library::upload::{self, Overwrite, Upload};
use calotype::library::{files, folders, versions};
use calotype::model::asset::Kinds;
use calotype::model::ids::{FileId, JobId};
use calotype::model::job::{Kind, Phase};
use calotype::model::path::FolderPath;
use calotype::store::{Reach, jobs};
use calotype::tree::place::Names;

use super::library::listed;

/// One thing that a client or the server does. Paths are below the home of a run: `folder/file`.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// Path and bytes; the size tells contents apart.
    Upload(&'static str, usize),
    /// So many uploads of one file.
    Uploads(&'static str, usize),
    /// A file into a folder.
    Copy(&'static str, &'static str),
    Move(&'static str, &'static str),
    Rename(&'static str, &'static str),
    Delete(&'static str),
    /// The version before the current one becomes the current one.
    Restore(&'static str),
    DeleteVersion(&'static str),
    MakeFolder(&'static str, &'static str),
    DeleteFolder(&'static str),
    /// Submits a job: source, destination, and for a rename the new name.
    Job(Bulk, &'static str, &'static str),
    /// Steps until the newest job has come to a phase, which it must not pass in the middle of a step.
    Until(Phase),
    /// Steps until every job is done.
    Work,
    /// The worker of another server takes a step and leaves: nobody has to wait for it.
    Leave,
    /// A step fails, and its job is set aside.
    Stumble,
    /// Nobody need wait for any job.
    EndLeases,
    Sweep,
    /// A server dies for good in the middle of an upload, and its blocks are taken.
    TakeLostBlocks,
    Restart,
}
use Deed::*;

/// What a job is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bulk {
    /// The newest versions alone: small ones are made together.
    Copy,
    CopyVersions,
    Move,
    Rename,
}

/// A folder below the home.
pub fn folder(home: &FolderPath, path: &str) -> FolderPath {
    path.split('/').fold(home.clone(), |at, name| at.join(name))
}

fn file<'a>(home: &FolderPath, path: &'a str) -> (FolderPath, &'a str) {
    let (parent, name) = path.rsplit_once('/').expect("files lie in folders");
    (folder(home, parent), name)
}

fn at(home: &FolderPath, path: &str) -> At {
    let (folder, name) = file(home, path);
    At { folder, name: name.into(), as_sent: path.into() }
}

fn into(home: &FolderPath, path: &str) -> Destination {
    Destination { folder: folder(home, path), names: Names::Verbatim }
}

async fn id_of(app: &App, home: &FolderPath, path: &str) -> FileId {
    let (folder, name) = file(home, path);
    let files = listed(app, &folder, Kinds::FILES).await;
    FileId(files.iter().find(|asset| asset.name == name).expect("the file is there").id)
}

/// Stores a body and makes it a file, as the route does.
pub async fn put(app: &App, home: &FolderPath, path: &str, bytes: usize) -> Result<()> {
    let (folder, name) = file(home, path);
    let watch = app.blob_ids.take(&app.db).await?;
    let blob_id = watch.id;
    let body = futures_util::stream::iter([Ok::<_, std::io::Error>(vec![b'.'; bytes].into())]);
    let stored = app.blobs.put(blob_id, body, u64::MAX).await.map_err(|error| match error {
        calotype::blobs::PutError::Blob(error) => Error::Blobs(error),
        error => panic!("{error}"),
    })?;
    let upload = Upload {
        file_name: name.into(),
        folder,
        names: Names::Verbatim,
        unique_name: false,
        private: false,
        published: true,
        tags: Some(vec![format!("of {bytes} bytes")]),
        custom_coordinates: None,
        custom_metadata: None,
        description: None,
        overwrite: Overwrite { file: true, tags: true, ai_tags: true, custom_metadata: true },
        transformation: None,
        checks: None,
    };
    upload::store(app, &upload, blob_id, &stored, app.blobs.provisional(blob_id)).await.map(drop)
}

/// Submits a job; `again` says that the client has sent it before.
pub async fn send(
    app: &App,
    home: &FolderPath,
    bulk: Bulk,
    source: &str,
    destination: &str,
    again: bool,
) -> Result<JobId> {
    let kind = match bulk {
        Bulk::Copy | Bulk::CopyVersions => Kind::Copy,
        Bulk::Move => Kind::Move,
        Bulk::Rename => Kind::Rename,
    };
    let is_rename = kind == Kind::Rename;
    let name = if is_rename { destination } else { source.rsplit('/').next().expect("a name") };
    let request = Request {
        kind,
        source: folder(home, source),
        source_as_sent: source.into(),
        destination: if is_rename { home.clone() } else { folder(home, destination) },
        target_name: name.into(),
        include_versions: bulk == Bulk::CopyVersions,
        purge_cache: is_rename,
        names: Names::Verbatim,
        caller: "a key".into(),
        is_retry: again,
    };
    submit(app, &request).await
}

/// Everything that nothing needs goes.
pub async fn sweep_all(app: &App) -> Result<()> {
    while sweep::round(app).await? {}
    sweep::collect(app).await?;
    sweep::release(app).await
}

impl Deed {
    /// Whether the tree does not tell if it has been done.
    pub fn is_out_of_sight(self) -> bool {
        matches!(self, Job(..) | Leave | Stumble | EndLeases | Sweep | TakeLostBlocks | Restart)
    }

    /// Does what needs no more than a server and a home.
    pub async fn once(self, app: &App, home: &FolderPath) -> Result<()> {
        match self {
            Upload(path, bytes) => put(app, home, path, bytes).await,
            Uploads(path, count) => {
                for _ in 0..count {
                    put(app, home, path, 1).await?;
                }
                Ok(())
            }
            Copy(path, to) => placing::copy(app, &at(home, path), &into(home, to), true).await,
            Move(path, to) => placing::move_into(app, &at(home, path), &into(home, to)).await,
            Rename(path, name) => placing::rename(app, &at(home, path), name, Some(path)).await.map(drop),
            Delete(path) => files::delete(app, id_of(app, home, path).await).await,
            Restore(path) | DeleteVersion(path) => {
                let file = id_of(app, home, path).await;
                let older = files::versions(app, file).await?[1].asset.version_id;
                match self {
                    Restore(_) => versions::restore(app, file, older).await.map(drop),
                    _ => versions::delete(app, file, older).await,
                }
            }
            MakeFolder(parent, name) => folders::create(app, &folder(home, parent), name, Names::Verbatim).await,
            DeleteFolder(path) => folders::delete(app, &folder(home, path), path).await,
            Sweep => sweep_all(app).await,
            TakeLostBlocks => sweep::take_lost_blocks(app, 0).await.map(drop),
            EndLeases => {
                let mut tx = app.db.write(Reach::Apart).await?;
                jobs::release_all(&mut tx).await?;
                tx.commit().await
            }
            Job(..) | Until(_) | Work | Leave | Stumble | Restart => unreachable!("a deed of the run"),
        }
    }
}
