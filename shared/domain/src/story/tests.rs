//! Which texts are of use.

use super::*;
use serde_json::json;

const JAPANESE: &str = "小さな竜は、はじめて夜の森を歩きました。木の葉がさわさわと鳴り、足もとは暗くて見えません。それでも、遠くの小さな灯りを見つめて、一歩ずつ前へ進みました。やがて友だちの声が聞こえて、竜はにっこり笑いました。";
const CHINESE: &str = "小龙第一次走进夜晚的森林。树叶沙沙作响，脚下黑得什么也看不见。可是它望着远处的小灯，一步一步向前走。终于，它听见了朋友的声音，开心地笑了。";
const THAI: &str = "มังกรน้อยเดินเข้าไปในป่ายามค่ำคืนเป็นครั้งแรก ใบไม้ไหวเบาๆและมองไม่เห็นทางเดิน แต่มันมองแสงไฟเล็กๆที่อยู่ไกลแล้วก้าวไปทีละก้าว";

fn story(title: &str, text: &str) -> StoryText {
    let beat = json!({"heading": "Night", "text": text, "dialogue": [], "sceneDescription": "A dragon walks to a lamp."});
    let story =
        json!({"title": title, "moral": "Small lights help.", "beats": [beat, beat, beat, beat]});
    StoryText::deserialize(story).unwrap()
}

#[test]
fn a_story_in_a_script_without_spaces_is_long_enough() {
    let khmer = "នាគតូចដើរចូលទៅក្នុងព្រៃនៅពេលយប់ជាលើកដំបូង។ ស្លឹកឈើរញ្ជួយតិចៗហើយវាមើលមិនឃើញផ្លូវ។";
    for text in [JAPANESE, CHINESE, THAI, khmer] {
        assert_eq!(story("The Small Lamp", text).check(), Ok(()), "{text}");
    }
    let korean = "작은 용은 처음으로 밤의 숲을 걸었습니다. 나뭇잎이 바스락거리고 발밑은 어두웠지만 멀리 작은 불빛이 보였습니다.";
    assert_eq!(story("작은 등불", korean).check(), Ok(()));
}

#[test]
fn a_beat_of_a_few_words_is_refused_in_every_script() {
    for text in [
        "短い。",
        "The dragon slept.",
        "มังกรน้อย",
        "。。。。。。。。。。。。",
    ] {
        assert!(story("The Small Lamp", text).check().is_err(), "{text}");
    }
}

#[test]
fn what_is_stored_is_what_was_checked() {
    let padded = format!("  The Small Lamp{}", " ".repeat(300));
    assert_eq!(
        story(&padded, JAPANESE).usable().unwrap().title,
        "The Small Lamp"
    );

    let long = "The Very Long Road ".repeat(20);
    let title = story(&long, JAPANESE).usable().unwrap().title;
    assert!(title.ends_with(['e', 'y', 'g', 'd']) && title.chars().count() <= 255);

    let title = story(&"🐉".repeat(300), JAPANESE).usable().unwrap().title;
    assert_eq!(title.chars().count(), 255);
}

#[test]
fn what_is_missing_but_can_be_told_from_the_rest_costs_no_second_answer() {
    let mut sparse = story(" ", JAPANESE);
    sparse.moral.clear();
    sparse.beats[0].heading.clear();
    sparse.beats[1].scene_description.clear();
    sparse.beats[1].heading = "Morning".to_owned();
    let usable = sparse.usable().unwrap();
    assert_eq!(usable.title, "Morning");
    assert_eq!(usable.beats[1].scene_description, JAPANESE);

    let mut untitled = story("", JAPANESE);
    untitled
        .beats
        .iter_mut()
        .for_each(|beat| beat.heading.clear());
    assert!(untitled.usable().is_err());
}

#[test]
fn members_of_another_type_are_read_where_they_can_be() {
    let activities = json!({
        "questions": [{"question": "Why?", "answer": 3, "skill": null}, {"question": ""}, {"question": "Who?"}, {"question": "How?"}],
        "vocabulary": [null, {"word": "lamp", "meaning": "a light"}],
        "activity": {"title": "Draw", "instructions": ["Take a pen.", "Draw."]},
    });
    let usable = Activities::deserialize(activities)
        .unwrap()
        .usable()
        .unwrap();
    assert_eq!(usable.questions.len(), 3);
    assert_eq!(usable.questions[0].answer, "3");
    assert_eq!(usable.vocabulary.len(), 1);
    assert_eq!(usable.activity.instructions, "Take a pen.\nDraw.");

    let beat =
        json!({"heading": 1, "text": JAPANESE, "dialogue": null, "sceneDescription": "A lamp."});
    let story = json!({"title": "Lamp", "beats": [beat], "moral": null});
    assert_eq!(StoryText::deserialize(story).unwrap().beats[0].heading, "1");
}

#[test]
fn a_scene_that_shows_nothing_is_refused() {
    let empty = SceneAnalysis::deserialize(json!({"cameraAngle": "low"})).unwrap();
    assert!(empty.check().is_err());
}
