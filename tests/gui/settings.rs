//! What the window remembers, and how it looks.

use std::fs;

use egui_kittest::kittest::Queryable as _;
use sealpost::gui::settings::Settings;
use sealpost::gui::window::Start;
use sealpost::lang::Lang;

use crate::stage::Stage;
use crate::support::House;

fn start(house: &House, lang: Option<Lang>) -> Start {
    Start {
        lang,
        certs: house.path("certs"),
        settings: Some(house.path("work/window.json")),
    }
}

#[test]
fn the_language_is_switched_live_and_remembered_and_what_is_named_wins() {
    let house = House::new();
    let mut stage = Stage::of(&start(&house, Some(Lang::English)));
    stage.wait_for("Connect to a server");
    stage.click("中文");
    stage.wait_for("连接服务器");
    assert!(!stage.sees("Connect to a server"));
    drop(stage);
    let mut stage = Stage::of(&start(&house, None));
    stage.wait_for("连接服务器");
    let mut stage = Stage::of(&start(&house, Some(Lang::English)));
    stage.wait_for("Connect to a server");
}

#[test]
fn without_a_chinese_font_the_window_says_so_in_english_and_with_one_it_does_not() {
    let house = House::new();
    let mut stage = Stage::of(&start(&house, Some(Lang::English)));
    assert!(!stage.sees("fonts-noto-cjk"));
    stage.click("中文");
    stage.wait_for("fonts-noto-cjk");
    // The installed fonts; where there is no Chinese one, there is nothing to see.
    let fonts = egui_system_font_provider::SystemFontProvider::new().with_locale(Some("zh-CN"));
    stage
        .harness
        .ctx
        .add_font_provider(std::sync::Arc::new(fonts));
    stage.harness.run_steps(3);
    let id = egui::FontId::default();
    let has = stage
        .harness
        .ctx
        .fonts_mut(|fonts| fonts.has_glyph(&id, '连'));
    if !has {
        return crate::support::skipped("no Chinese font is installed");
    }
    stage.wait_gone("fonts-noto-cjk");
}

#[test]
fn light_dark_and_size_are_chosen_in_the_menu_and_remembered() {
    let house = House::new();
    let mut stage = Stage::of(&start(&house, Some(Lang::English)));
    for (word, dark) in [("Light", false), ("Dark", true)] {
        stage.click("Settings");
        stage.click(word);
        stage.harness.run_steps(2);
        assert_eq!(stage.harness.ctx.theme() == egui::Theme::Dark, dark);
        stage.harness.key_press(egui::Key::Escape);
        stage.harness.run_steps(2);
    }
    stage
        .harness
        .key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Plus);
    stage.harness.run_steps(3);
    stage.harness.state_mut().close();
    let saved = fs::read_to_string(house.path("work/window.json")).unwrap();
    assert!(saved.contains(r#""look": "dark""#), "{saved}");
    assert!(saved.contains(r#""zoom": 1.1"#), "{saved}");
    let stage = Stage::of(&start(&house, Some(Lang::English)));
    assert_eq!(stage.harness.ctx.theme(), egui::Theme::Dark);
    assert!((stage.harness.ctx.zoom_factor() - 1.1).abs() < 0.01);
}

#[test]
fn the_size_of_the_window_is_remembered_unless_it_fills_the_screen() {
    let house = House::new();
    let mut stage = Stage::of(&start(&house, Some(Lang::English)));
    let mut show = |width: f32, maximized: bool| {
        let input = stage.harness.input_mut();
        let root = input.viewports.entry(egui::ViewportId::ROOT).or_default();
        let size = egui::vec2(width, 700.0);
        root.inner_rect = Some(egui::Rect::from_min_size(egui::Pos2::ZERO, size));
        root.maximized = Some(maximized);
        stage.harness.run_steps(2);
    };
    show(900.0, false);
    show(1_900.0, true);
    stage.harness.state_mut().close();
    let saved = Settings::load(&house.path("work/window.json"));
    assert_eq!(saved.window(), Some([900.0, 700.0]));
}

#[test]
fn without_a_display_the_command_says_so_in_both_languages() {
    // Nothing from outside is in its environment, and so no display.
    let house = House::new();
    let told = house.run(&["gui"]).failed(1);
    assert!(told.contains("there is no display"), "{told}");
    let told = house.run(&["--lang", "zh", "gui"]);
    assert_eq!(told.code, 1);
    assert!(told.err.contains("没有显示器"), "{}", told.err);
}

#[test]
fn at_twice_the_size_in_a_small_window_everything_can_still_be_scrolled_to() {
    let house = House::new();
    house.write("window.json", br#"{"zoom": 2.0}"#);
    let mut stage = Stage::of(&start(&house, Some(Lang::English)));
    stage.harness.set_size(egui::Vec2::new(480.0, 360.0));
    stage.harness.run_steps(3);
    for word in ["Plain TCP", "Make a new account", "Advanced"] {
        stage.harness.get_by_label(word).scroll_to_me();
        stage.harness.run_steps(4);
        stage.click(word);
    }
    assert!(stage.sees("Connect timeout"));
    stage
        .harness
        .get_by_label("Register and log in")
        .scroll_to_me();
    stage.harness.run_steps(4);
    stage.click("Register and log in");
    stage.wait_for("who are you?");
}
