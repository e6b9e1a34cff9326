//! `sealpost gui` where there can be no window.

use crate::support::House;

/// Built without the window, it says how to build it; built with it and without a display, what to do instead.
#[test]
fn without_a_window_or_a_display_the_command_says_so_in_both_languages() {
    let house = House::new();
    let (en, zh) = match cfg!(feature = "gui") {
        true => ("there is no display", "没有显示器"),
        false => ("built without the window", "未包含窗口界面"),
    };
    let told = house.run(&["gui"]).failed(1);
    assert!(told.contains(en), "{told}");
    let told = house.run(&["--lang", "zh", "gui"]);
    assert_eq!(told.code, 1);
    assert!(told.err.contains(zh), "{}", told.err);
}
