//! The report in a real browser: nothing overflows or overlaps, and all text is readable, on a
//! phone and on a desktop, in light and in dark. Needs Chromium: `just browser`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::PATIENCE;
use crate::support::command::{Sandbox, ended};

/// Examines the page, and reports to the page around it.
const PROBE: &str = r#"
const visible = element => element.getClientRects().length > 0;
const parse = color => color.match(/[\d.]+/g).map(Number);
const luminance = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map(value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const background = element => {
  for (; element; element = element.parentElement) {
    const color = parse(getComputedStyle(element).backgroundColor);
    if (color.length === 3 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
const texts = [...document.querySelectorAll('body *')].filter(element =>
  visible(element) && !['STYLE', 'SCRIPT'].includes(element.tagName)
  && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
const contrast = element => {
  const style = getComputedStyle(element);
  const ink = luminance(parse(element instanceof SVGElement ? style.fill : style.color));
  const paper = luminance(background(element));
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
};
const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
  && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
const overlapping = [];
for (const picture of document.querySelectorAll('svg')) {
  const written = [...picture.querySelectorAll('text')].filter(visible).map(text => [text.textContent, text.getBoundingClientRect()]);
  written.forEach(([one, a], place) => written.slice(place + 1).forEach(([other, b]) => {
    if (overlap(a, b)) overlapping.push(one + ' / ' + other);
  }));
}
const outside = texts.filter(text => {
  const box = text.getBoundingClientRect();
  return box.left < -1 || box.right > innerWidth + 1;
}).map(text => text.textContent);
parent.postMessage(JSON.stringify({
  width: innerWidth, scrolls: document.documentElement.scrollWidth, dark: luminance(background(document.body)) < 0.5,
  texts: texts.length, faint: texts.filter(text => contrast(text) < 4.5).map(text => text.textContent.trim().slice(0, 60)),
  overlapping, outside, pictures: [...document.querySelectorAll('svg')].filter(visible).length,
}), '*');
"#;

/// The page around it, which shows the reports. It is needed because a browser's window cannot be
/// as narrow as a phone.
const FRAME: &str = r#"<!DOCTYPE html><html><body><script>
addEventListener('message', message => {
  const found = document.createElement('pre');
  found.id = 'found';
  found.textContent = message.data;
  document.body.append(found);
});
</script><iframe src="probed.html" style="border:0;width:WIDTHpx;height:2000px"></iframe></body></html>"#;

/// The findings of the probe.
#[derive(Debug, Deserialize)]
struct Found {
    width: f64,
    scrolls: f64,
    dark: bool,
    texts: usize,
    faint: Vec<String>,
    overlapping: Vec<String>,
    outside: Vec<String>,
    pictures: usize,
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let candidates = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// Opens a page, and returns its document after its scripts have run.
async fn opened(browser: &Path, page: &Path, profile: &Path, dark: bool) -> String {
    let child = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--window-size=1400,2100", "--virtual-time-budget=20000"])
        .arg(format!(
            "--blink-settings=preferredColorScheme={}",
            u8::from(!dark)
        ))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the browser starts");
    let output = timeout(PATIENCE, child.wait_with_output());
    let output = output.await.expect("the browser ends").expect("its output");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
#[ignore = "needs Chromium, as in `apt-get install chromium`"]
async fn the_report_can_be_read_on_a_phone_and_a_desktop_in_light_and_dark() {
    let browser = chromium().expect("chromium on the PATH");
    let sandbox = Sandbox::new();
    let arguments = [
        "run",
        "none",
        "tracecontext",
        "tracecontext:b3",
        "tracecontext,b3:b3",
        "--requests",
        "30",
    ];
    let command = sandbox
        .baton(arguments.into_iter().chain(["--out", "out"]))
        .spawn();
    let finished = ended(command.expect("the command starts")).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");

    let report = std::fs::read_to_string(sandbox.path("out/report.html")).expect("a report");
    // the report itself allows no script, and the closed parts are examined too
    let policy = "<meta http-equiv=\"Content-Security-Policy\"";
    assert!(report.contains(policy), "no policy");
    let probed = report
        .replace(policy, "<meta name=\"policy\"")
        .replace("<details", "<details open=\"\"")
        .replace("open=\"\" open=\"\"", "open=\"\"")
        .replace("</body>", &format!("<script>{PROBE}</script></body>"));
    std::fs::write(sandbox.path("probed.html"), probed).expect("room");
    let page = sandbox.path("frame.html");

    for (width, dark) in [
        (390, false),
        (390, true),
        (1280, false),
        (1280, true),
        (768, false),
    ] {
        let frame = FRAME.replace("WIDTH", &width.to_string());
        std::fs::write(&page, frame).expect("room");
        let document = opened(&browser, &page, &sandbox.path("profile"), dark).await;
        let (_, rest) = document
            .split_once("<pre id=\"found\">")
            .unwrap_or_else(|| panic!("nothing was found: {document}"));
        let json = rest.split("</pre>").next().unwrap_or_default();
        let json = json
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        let found: Found = serde_json::from_str(&json).expect("what the probe found");
        let size = format!("{width} pixels, dark {dark}: {found:?}");
        assert_eq!(found.width, f64::from(width), "{size}");
        assert_eq!(found.dark, dark, "{size}");
        assert!(
            found.scrolls <= found.width,
            "it scrolls sideways at {size}"
        );
        assert!(found.texts > 100 && found.pictures > 20, "{size}");
        assert!(
            found.faint.is_empty(),
            "text that is hard to read at {size}"
        );
        assert!(found.overlapping.is_empty(), "text over text at {size}");
        assert!(
            found.outside.is_empty(),
            "text outside of the window at {size}"
        );
    }
}
