//! Runs that are kept from the page.

use serde_json::json;

use super::{page, page_with, send, switch};
use crate::support::lab::{Setup, answer};

#[tokio::test]
async fn two_periods_are_kept_as_runs_and_compared() {
    let mut lab = Setup::new().start().await;
    for (number, mode) in ["none", "b3"].into_iter().enumerate() {
        switch(&lab, mode, mode).await;
        send(&lab, "").await;
        page_with(&lab, &format!("/?period={number}"), ">see one<").await;
    }
    for period in ["0", "1"] {
        let form = json!({ "period": period });
        let kept = answer(lab.change("/runs").json(&form)).await;
        assert_eq!(kept.status, 200, "{kept:?}");
    }
    let list = page(&lab, "/runs").await;
    let names: Vec<&str> = list
        .split("name=\"run\" value=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let [newer, older] = names.as_slice() else {
        panic!("two runs: {list}")
    };
    assert!(
        list.contains("1 new_trace") && list.contains("1 connected"),
        "{list}"
    );
    // the list has the newest first, and the oldest is the baseline all the same
    let compared = page(&lab, &format!("/runs/compare?run={newer}&run={older}")).await;
    for shown in [
        "<title>none:none and b3:b3 –",
        "What differs from none:none",
        "connected (none:none: 0 of 1)",
        "client none, consumer b3, producer b3",
    ] {
        assert!(compared.contains(shown), "{shown} is missing in {compared}");
    }
    for hidden in ["nothing that is more than noise", "BATON_", "[{"] {
        assert!(!compared.contains(hidden), "{hidden} is in {compared}");
    }
    for few in [format!("run={newer}"), format!("run={newer}&run={newer}")] {
        let refused = page(&lab, &format!("/runs/compare?{few}")).await;
        assert!(refused.contains("Choose from 2 to 8 runs."), "{refused}");
    }
    let report = page(&lab, &format!("/runs/{newer}/report")).await;
    assert!(report.contains("</html>"), "{report}");
    for path in [
        "/runs/..%2f..%2fetc/report",
        "/runs/none/report",
        "/runs/compare?run=x&run=y",
    ] {
        assert!(
            page(&lab, path).await.contains("There is no")
                || page(&lab, path).await.contains("there is no")
        );
    }
    // a name of a run may have any character that a file's name may have
    let odd = "b3 & 100%20 <run>";
    let parent = lab.sandbox.path("runs");
    std::fs::rename(parent.join(older), parent.join(odd)).expect("room");
    let list = page(&lab, "/runs").await;
    let encoded = "b3%20%26%20100%2520%20%3Crun%3E";
    assert!(list.contains(&format!("/runs/{encoded}/report")), "{list}");
    let report = page(&lab, &format!("/runs/{encoded}/report")).await;
    assert!(report.contains("</html>"), "{report}");
    let form = "b3+%26+100%2520+%3Crun%3E";
    let compared = page(&lab, &format!("/runs/compare?run={form}&run={newer}")).await;
    assert!(compared.contains("new_trace"), "{compared}");
    std::fs::rename(parent.join(odd), parent.join(older)).expect("room");
    // the run's directory is enough to judge it again
    let paths = [newer, older].map(|name| lab.sandbox.path("runs").join(name));
    let [newer, older] = paths.each_ref().map(|path| path.to_str().expect("text"));
    let finished = lab
        .sandbox
        .run(["compare", newer, older, "--format", "json"])
        .await;
    assert_eq!(
        finished.json()["runs"][0]["hops"]["record"]["connected"],
        1,
        "{finished:?}"
    );
    lab.stop_well().await;
}

#[tokio::test]
async fn the_last_minutes_are_kept_as_a_run_in_which_nothing_is_lost() {
    let mut lab = Setup::new().start().await;
    for mode in ["none", "b3"] {
        switch(&lab, mode, mode).await;
        for _ in 0..3 {
            send(&lab, "").await;
        }
    }
    let form = json!({ "period": "last:5" });
    let kept = answer(lab.change("/runs").json(&form)).await;
    assert_eq!(kept.status, 200, "{kept:?}");
    let list = page(&lab, "/runs").await;
    for shown in ["3 new_trace", "3 connected"] {
        assert!(list.contains(shown), "{list}");
    }
    let (_, main) = list.split_once("<main").expect("the content");
    assert!(!main.contains("lost"), "{main}");
    for wrong in ["last:x", "", "-1", "99"] {
        let kept = answer(lab.change("/runs").json(&json!({ "period": wrong }))).await;
        assert!([400, 409].contains(&kept.status), "{wrong}: {kept:?}");
    }
    lab.stop_well().await;
}
