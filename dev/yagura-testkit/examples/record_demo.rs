//! Writes the demo's recording, `content/demo/answers.zst`, from the readable files beside it.
//! What goes into it is decided in `yagura_testkit::demo`; `cargo xtask demo` runs this.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

use yagura_aws::Api;

static SERVICES: &[u8] = include_bytes!("../../../content/aws-api/services.zst");

fn main() -> Result<(), Box<dyn Error>> {
    let check = std::env::args().any(|argument| argument == "--check");
    let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let made = yagura_testkit::demo::recording(&content, &Api::open(SERVICES)?)?;
    let path = content.join("demo/answers.zst");
    let same = fs::read(&path).is_ok_and(|found| found == made);
    if check && !same {
        return Err("the demo's recording is stale; run `cargo xtask demo`".into());
    }
    if !same {
        // Beside it first: a half-written recording would be built into the program.
        let beside = path.with_extension("zst.new");
        fs::write(&beside, &made)?;
        fs::rename(&beside, &path)?;
        writeln!(std::io::stdout(), "wrote content/demo/answers.zst, {} bytes", made.len())?;
    }
    Ok(())
}
