//! How to check a bundle, with tools that everybody has.

use super::{Content, MOST_ANCHORS};

/// The page that goes with a bundle.
pub(super) fn text(content: &Content) -> String {
    let reference = content.incident().reference();
    let about = match content.breach {
        Some((breach, _)) => format!(
            "breach {} of incident {reference}. It holds the part of one vendor: texts that concern others are\nleft out, their hashes are not",
            breach.reference()
        ),
        None => format!("incident {reference}"),
    };
    TEXT.replace("{about}", &about)
        .replace("{incident}", &reference)
        .replace("{now}", &content.now.to_string())
        .replace("{most}", &MOST_ANCHORS.to_string())
        .replace("{title}", &content.judged.incident.title)
}

const TEXT: &str = r#"Evidence bundle
===============

{title}

This is everything that Redress keeps about {about}.
It was made {now}. All instants are UTC.

README.txt       this page
incident.json    the incident, its cases, and the names behind the keys of people
timeline.json    every event: the text that is hashed (form), its hash, and its texts with their salts
timeline.txt     the same to be read
terms.json       the contract and the version of its terms that judges each case, with the clauses
calendars.json   every revision of the calendars that the terms name, and the version of the zone data; where a
                 revision is read by other zone data, from which second on how many seconds are added to UTC
clocks.json      every clock as judged from the timeline, run by run
explanation.txt  how each deadline came about, line by line
breaches.json    the entries of the register, with what they were judged by
files/           files that go with events, named by event and place: files/3-1-router.log
letters.json     what was written to whom; letters/N.eml is the message as it was sent, with the
                 recipient's signed links masked where links_masked says so; sha256 is that of what was sent
messages.json    mail that came in, told likewise; an event that rests on one names the sha256 of what came in
anchors.jsonl    the anchor chain from the first anchor that holds this timeline on (at most {most} anchors)
SHA256SUMS       the sums of all these files

How to check it
---------------

Nothing of Redress is needed: sha256sum, base64 and jq, or Python 3 alone. Type the commands in the folder into which
you unpacked the bundle. They were written for a POSIX shell.

1. No file was changed since the bundle was made:

   sha256sum -c SHA256SUMS

2. Each event hashes to what it says. "form" is the canonical form of the event (RFC 8785 JSON); its SHA-256 is "hash".

   jq -r '.events[] | "\(.seq) \(.hash) \(.form | @base64)"' timeline.json |
   while read -r seq hash form; do
     sum=$(printf %s "$form" | base64 -d | sha256sum | cut -c 1-64)
     [ "$sum" = "$hash" ] && echo "event $seq holds" || echo "event $seq WAS CHANGED"
   done

3. No event is missing, was added or moved: each names the hash of the one before. This prints "true":

   jq '[.events[].form | fromjson | .previous] == ["0" * 64] + [.events[].hash][:-1]
     and [.events[].form | fromjson | .seq] == [range(1; (.events | length) + 1)]' timeline.json

4. Each text is the one whose hash the event holds: SHA-256 of salt and content.

   jq -r '.events[] | .seq as $seq | (.form | fromjson | .texts) as $hashes | .texts | to_entries[]
     | "\($seq) \(.key) \($hashes[.key]) \(.value.salt + .value.content | @base64)"' timeline.json |
   while read -r seq name hash text; do
     sum=$(printf %s "$text" | base64 -d | sha256sum | cut -c 1-64)
     [ "$sum" = "$hash" ] && echo "$name of event $seq holds" || echo "$name of event $seq WAS CHANGED"
   done

   A text that is not there is listed under "erased", with the number of the event that says so (personal data), or
   under "withheld" (it concerns another vendor).

   Where there are files: each is the one that the event names, whose SHA-256 stands in "evidence" of the form.

   jq -r '.events[] | [(.form | fromjson | .fields.evidence // []), .files] | transpose[]
     | select(.[1].file) | "\(.[0])  \(.[1].file)"' timeline.json | sha256sum -c

5. Each anchor hashes to what it says, and names the one before. The second command prints "true":

   jq -r '"\(.number) \(.hash) \(.form | @base64)"' anchors.jsonl |
   while read -r number hash form; do
     sum=$(printf %s "$form" | base64 -d | sha256sum | cut -c 1-64)
     [ "$sum" = "$hash" ] && echo "anchor $number holds" || echo "anchor $number WAS CHANGED"
   done

   jq -s '[.[].form | fromjson | .previous][1:] == [.[].hash][:-1]' anchors.jsonl

6. The anchors hold this timeline. Every line of the first command (number of events, hash of the last) stands among
   those of the second:

   jq -r '.form | fromjson | .heads[] | select(.incident == "{incident}") | "\(.count) \(.hash)"' anchors.jsonl
   jq -r '.events[] | "\(.seq) \(.hash)"' timeline.json

7. The anchors are those that left the house. Letters to the vendor print the head of the chain, for example
   "anchor 17, 3fa912bc88de0a41". The anchor of that number has to begin with those digits:

   jq -r '"\(.number) \(.hash[:16])"' anchors.jsonl

   A later anchor than the last here is to be had from Redress: GET /api/v1/anchors/NUMBER.

   What an anchor holds cannot have been written after its head was printed: whoever has such a letter can tell that
   the timeline up to there is the one that was recorded then. Events after the last printed head rest on steps 2 to 4
   alone.

Steps 2 to 6 in one, with Python 3. It prints "all holds", or says what does not:

python3 - <<'END'
import hashlib, json
def sha(text): return hashlib.sha256(text.encode()).hexdigest()
def lines(name): return [json.loads(line) for line in open(name, encoding='utf-8')]
events = json.load(open('timeline.json', encoding='utf-8'))['events']
previous = '0' * 64
for number, event in enumerate(events, 1):
    form = json.loads(event['form'])
    assert sha(event['form']) == event['hash'], f'event {number} was changed'
    assert form['previous'] == previous and form['seq'] == number, f'event {number} does not follow the one before'
    for name, text in event['texts'].items():
        assert sha(text['salt'] + text['content']) == form['texts'][name], f'{name} of event {number} was changed'
    for sum, file in zip(form['fields'].get('evidence', []), event['files']):
        if file['file']:
            assert hashlib.sha256(open(file['file'], 'rb').read()).hexdigest() == sum, f'{file["file"]} was changed'
    previous = event['hash']
previous = None
for anchor in lines('anchors.jsonl'):
    form = json.loads(anchor['form'])
    number = form['number']
    assert sha(anchor['form']) == anchor['hash'], f'anchor {number} was changed'
    assert previous in (None, form['previous']), f'anchor {number} does not follow the one before'
    for head in form['heads']:
        if head['incident'] == '{incident}':
            assert events[head['count'] - 1]['hash'] == head['hash'], f'anchor {number} holds another timeline'
    previous = anchor['hash']
print('all holds')
END

What this does not show
-----------------------

That an event is true: the chain shows that what was recorded was not changed afterwards, when it was recorded, and by
whom. Clocks and breaches follow from the timeline, the terms and the calendars by the rules of the contract;
explanation.txt counts them line by line, and they can be counted again from terms.json and calendars.json.
"#;
