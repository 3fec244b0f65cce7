// Many sinks of which some fail, in some ways: for the size and the cost of the page.
import { rateLimited, Story, serverError, sinkInfo, unauthorized } from "../../status/scenes.ts";

export function many(sinks: number): Story {
  const ids = Array.from({ length: sinks }, (_, i) => `team-${i % 40}/policy-${Math.floor(i / 4)}/receiver-${i % 4}`);
  const story = new Story(ids.map((id) => sinkInfo(id))).sourceAnswers().wait(1_000);
  for (const id of ids) story.delivers(id, 40 + (id.length % 7));
  story.wait(15_000);
  for (const [i, id] of ids.entries()) {
    if (i % 97 === 5) story.read(id, 1_000).fails(id, 1, 5_000, serverError);
    else if (i % 97 === 6) story.read(id, 1_000).holds(id, 60_000, unauthorized);
    else if (i % 97 === 7) story.read(id, 1_000).fails(id, 1, 30_000, rateLimited);
    else story.delivers(id, 30 + (i % 60));
  }
  return story.wait(5_000);
}
