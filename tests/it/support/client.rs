//! A thin HTTP client: one function per call of the contract, and the whole answer in the caller's hands.
//!
//! Nothing here retries or judges. A call fails only when no complete answer came back, which to a client of a server
//! that was just killed means "unknown", not "refused".

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::server::PRIVATE_KEY;

/// Longer than any single call may take, also on a loaded machine and under strace.
const CALL_MAX: Duration = Duration::from_secs(60);
/// Between two looks at a job.
const JOB_POLL: Duration = Duration::from_millis(15);

/// An answer as it came. `body` is `Null` when empty, and a string when it is not JSON.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The answer itself if it has this status; else fails, showing everything.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "unexpected answer: {self:#?}");
        self
    }

    #[track_caller]
    pub fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no text in field {field:?} of {self:#?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The answer to a GET of a file's bytes.
pub struct Download {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

pub type Result<T = Answer> = reqwest::Result<T>;

/// Talks to one server. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    base: String,
    key: String,
    http: reqwest::Client,
}

impl Client {
    /// `base` is `http://HOST:PORT`.
    pub fn new(base: &str) -> Client {
        Client::over(base, builder().timeout(CALL_MAX).build().expect("an HTTP client"))
    }

    /// A client with settings of its own, such as which certificates it trusts.
    pub fn over(base: &str, http: reqwest::Client) -> Client {
        Client { base: base.to_owned(), key: PRIVATE_KEY.to_owned(), http }
    }

    /// The same client with another private key.
    pub fn with_key(&self, key: &str) -> Client {
        Client { key: key.to_owned(), ..self.clone() }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to a path of this server, with the key; for what has no function of its own here.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).basic_auth(&self.key, Some(""))
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Result {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Uploads under exactly this name; a file of that name gets a new version.
    pub async fn upload(&self, folder: &str, name: &str, bytes: impl Into<Vec<u8>>) -> Result {
        self.upload_with(folder, name, bytes, &[]).await
    }

    /// Uploads with more form fields; one given here wins over `useUniqueFileName=false`.
    pub async fn upload_with(
        &self,
        folder: &str,
        name: &str,
        bytes: impl Into<Vec<u8>>,
        fields: &[(&str, &str)],
    ) -> Result {
        let mut form = Form::new().text("fileName", name.to_owned()).text("folder", folder.to_owned());
        if !fields.iter().any(|(field, _)| *field == "useUniqueFileName") {
            form = form.text("useUniqueFileName", "false");
        }
        for (field, value) in fields {
            form = form.text((*field).to_owned(), (*value).to_owned());
        }
        let file = Part::bytes(bytes.into()).file_name(name.to_owned());
        self.upload_form(form.part("file", file)).await
    }

    pub async fn upload_form(&self, form: Form) -> Result {
        answer(self.request(Method::POST, "/api/v1/files/upload").multipart(form)).await
    }

    /// The files of one folder.
    pub async fn list(&self, path: &str) -> Result {
        self.list_with(&[("path", path)]).await
    }

    pub async fn list_with(&self, query: &[(&str, &str)]) -> Result {
        let query = serde_urlencoded::to_string(query).expect("a query of strings");
        self.send(Method::GET, &format!("/v1/files?{query}"), None).await
    }

    /// The files and folders of one folder, page after page until the end.
    pub async fn list_all(&self, path: &str) -> Result<Vec<Value>> {
        const PAGE: usize = 1000;
        let mut entries = Vec::new();
        loop {
            let (skip, limit) = (entries.len().to_string(), PAGE.to_string());
            let query = [("path", path), ("type", "all"), ("skip", &skip), ("limit", &limit)];
            let page = self.list_with(&query).await?.expect(200);
            let page = page.body.as_array().expect("a listing is an array").clone();
            let complete = page.len() < PAGE;
            entries.extend(page);
            if complete {
                return Ok(entries);
            }
        }
    }

    pub async fn details(&self, file_id: &str) -> Result {
        self.send(Method::GET, &format!("/v1/files/{file_id}/details"), None).await
    }

    pub async fn versions(&self, file_id: &str) -> Result {
        self.send(Method::GET, &format!("/v1/files/{file_id}/versions"), None).await
    }

    pub async fn delete_file(&self, file_id: &str) -> Result {
        self.send(Method::DELETE, &format!("/v1/files/{file_id}"), None).await
    }

    pub async fn create_folder(&self, parent: &str, name: &str) -> Result {
        self.post("/v1/folder", json!({ "folderName": name, "parentFolderPath": parent })).await
    }

    pub async fn delete_folder(&self, path: &str) -> Result {
        self.send(Method::DELETE, "/v1/folder", Some(json!({ "folderPath": path }))).await
    }

    pub async fn copy_folder(&self, source: &str, destination: &str, include_versions: bool) -> Result {
        let body = json!({
            "sourceFolderPath": source, "destinationPath": destination, "includeVersions": include_versions,
        });
        self.post("/v1/bulkJobs/copyFolder", body).await
    }

    pub async fn move_folder(&self, source: &str, destination: &str) -> Result {
        let body = json!({ "sourceFolderPath": source, "destinationPath": destination });
        self.post("/v1/bulkJobs/moveFolder", body).await
    }

    pub async fn rename_folder(&self, path: &str, new_name: &str) -> Result {
        self.post("/v1/bulkJobs/renameFolder", json!({ "folderPath": path, "newFolderName": new_name })).await
    }

    pub async fn job_status(&self, job_id: &str) -> Result {
        self.send(Method::GET, &format!("/v1/bulkJobs/{job_id}"), None).await
    }

    /// Polls a job until it is `Completed`; fails when that takes longer than `bound`, or on any other answer.
    pub async fn wait_completed(&self, job_id: &str, bound: Duration) -> Answer {
        let completed = tokio::time::timeout(bound, async {
            loop {
                let status = self.job_status(job_id).await.unwrap_or_else(|error| panic!("job {job_id}: {error:?}"));
                let status = status.expect(200);
                match status.text("status") {
                    "Completed" => return status,
                    "Pending" => tokio::time::sleep(JOB_POLL).await,
                    other => panic!("job {job_id} has status {other:?}: {status:#?}"),
                }
            }
        });
        completed.await.unwrap_or_else(|_| panic!("job {job_id} is not Completed after {bound:?}"))
    }

    /// The bytes behind a URL, without the key, as a browser gets them.
    pub async fn get(&self, url: &str) -> Result<Download> {
        let response = self.http.get(url).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Download { status, headers, bytes: response.bytes().await?.to_vec() })
    }

    /// The bytes of the file at a path of the library. The path has to be made of characters that URLs leave alone.
    pub async fn get_file(&self, path: &str) -> Result<Download> {
        self.get(&format!("{}/library{path}", self.base)).await
    }
}

/// What every HTTP client of the tests is built from: no proxy of the machine, and the cryptography for TLS.
pub fn builder() -> reqwest::ClientBuilder {
    // Fails when it is done already.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy()
}

/// Sends a request and takes the whole answer.
pub async fn answer(request: reqwest::RequestBuilder) -> Result {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    let body = match text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    };
    Ok(Answer { status, headers, body })
}
