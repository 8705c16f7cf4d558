//! What it costs to know who asks: CPU time of the server for one authenticated request, less that of a bare handler
//! which answers with the same bytes. The route is the status of a finished job, which the server remembers, so that
//! little but the key, the rights, the request id and the limit is left between the two.

use serde_json::json;

use crate::Result;
use crate::bare::Bare;
use crate::client::{self, Load};
use crate::library::Library;
use crate::report::{Limit, Row};
use crate::requests::{STATUS_CONNECTIONS, check_same_answer};
use crate::rows::{Bench, Effort, median};
use crate::seed::Tree;

/// Clock ticks per second in `/proc/PID/stat`; the same on every Linux that this runs on.
const TICKS_PER_SECOND: f64 = 100.0;
/// The limit for key, request id and limits together.
const OVERHEAD_MICROS_MAX: f64 = 30.0;
/// More than any run sends, so that every request is counted and none refused. A microsecond's worth each.
const LIMITED: [&str; 4] = ["--rate-limit", "1000000", "--rate-limit-interval", "1000"];

/// Without and with a limit on requests.
pub async fn overheads(library: &Library, effort: &Effort, tree: &Tree) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (measure, arguments) in [("with a key", [].as_slice()), ("with a key and a limit", LIMITED.as_slice())] {
        rows.push(overhead(library, effort, tree, measure, arguments).await?);
    }
    Ok(rows)
}

async fn overhead(library: &Library, effort: &Effort, tree: &Tree, measure: &str, arguments: &[&str]) -> Result<Row> {
    let mut bench = Bench::start_with(library, arguments).await?;
    let copy = json!({ "sourceFolderPath": tree.path(), "destinationPath": "/copies" });
    let job = bench.client.submit("copyFolder", &copy).await?;
    bench.client.wait_for(&job).await?;
    let target = format!("/v1/bulkJobs/{job}");
    bench.client.succeed(&client::get(&target)).await?;
    let bare = Bare::start(bench.client.head(), bench.client.body())?;
    if arguments.is_empty() {
        // The headers of a limit change from answer to answer.
        check_same_answer(&bench.client, bare.address, &target).await?;
    }
    let load = Load { connections: STATUS_CONNECTIONS, duration: effort.status_load, until: None };
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..effort.status_runs {
        for (process, address, found) in [
            (bare.process_id(), bare.address, &mut peers),
            (bench.server.process_id(), bench.server.address, &mut ours),
        ] {
            let before = cpu_seconds(process)?;
            let (requests, _) = load.run(address, client::get(&target)).await?;
            found.push((cpu_seconds(process)? - before) / requests as f64 * 1e6);
        }
    }
    bench.server.stop()?;
    let (cpu_us, peer_us) = (median(&ours), median(&peers));
    Ok(Row {
        section: "auth",
        measure: measure.to_string(),
        runs: Some(ours.len()),
        seconds: Some(effort.status_load.as_secs_f64()),
        cpu_us: Some(cpu_us - peer_us),
        limit: Some(Limit::CpuMicrosBelow(OVERHEAD_MICROS_MAX)),
        note: Some(format!("{cpu_us:.1} us in the server, {peer_us:.1} us in the bare handler")),
        ..Row::default()
    })
}

/// User and system time of a process so far.
fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in brackets may hold anything; the fields after it are numbered from 3, the times are 14 and 15.
    let (_, fields) = stat.rsplit_once(')').ok_or("no process figures")?;
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<std::result::Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
