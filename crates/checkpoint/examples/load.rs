//! How long a file takes to open and to read, and how much memory: `load FILE [ARRAY | all]`.

use std::path::Path;
use std::time::Instant;

use reelgan_checkpoint::Index;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let file = words.next().ok_or("usage: load FILE [ARRAY | all]")?;
    let wanted = words.next();
    let start = Instant::now();
    let index = Index::open(Path::new(&file))?;
    println!(
        "opened {} with {} arrays in {:?}",
        index.kind(),
        index.arrays().len(),
        start.elapsed()
    );
    println!("peak memory {}", peak());
    let start = Instant::now();
    match wanted.as_deref() {
        None => return Ok(()),
        Some("all") => {
            let read = index.read()?;
            let bytes: usize = read.arrays.values().map(|a| a.bytes.len()).sum();
            println!("read all, {bytes} bytes, in {:?}", start.elapsed());
        }
        Some(name) => {
            let array = index.array(name)?;
            println!(
                "read {name} {:?}, {} bytes, in {:?}",
                array.shape,
                array.bytes.len(),
                start.elapsed()
            );
        }
    }
    println!("peak memory {}", peak());
    Ok(())
}

/// The most memory this process has held, where the system tells.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown".into(), |value| value.trim().to_owned())
}
