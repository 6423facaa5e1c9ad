// Songs on their way to the server, one after the other.

const LATER = [429, 503]; // the server has too much to do, or too many songs of ours

// A promise of the job that the server makes of `form`; an Error with its `status` and message otherwise.
function send(form, tell) {
  // With XMLHttpRequest, which tells how much has been sent.
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "api/jobs");
    request.upload.onprogress = (event) => event.lengthComputable && tell(event.loaded / event.total);
    request.onload = () => {
      let content = {};
      try {
        content = JSON.parse(request.responseText);
      } catch {
        content = {};
      }
      if (request.status === 202) return resolve(content);
      const error = new Error(content.message || `The server answered ${request.status}.`);
      reject(Object.assign(error, { status: request.status }));
    };
    request.onerror = () => reject(new Error("The upload broke off: the server does not answer."));
    request.send(form);
  });
}

export class Uploads {
  // `changed()` is called when an item of `items` has changed, `room()` is a promise that there may be room again.
  constructor(changed, room) {
    Object.assign(this, { changed, room, items: [], busy: false });
  }

  get going() {
    return this.items.some((item) => item.state === "chosen" || item.state === "sending");
  }

  // Send these, behind those that are on their way: {title, form}. Each has `state` (chosen, sending, sent, failed),
  // `share`, `said` (why it waits or failed) and `job`.
  async add(items) {
    for (const item of items) this.items.push(Object.assign(item, { state: "chosen", share: 0, said: "" }));
    this.changed();
    if (this.busy) return;
    this.busy = true;
    for (let item; (item = this.items.find(({ state }) => state === "chosen")); ) await this.one(item);
    this.busy = false;
  }

  async one(item) {
    const become = (values) => {
      Object.assign(item, values);
      this.changed();
    };
    become({ state: "sending" });
    try {
      const job = await send(item.form, (share) => become({ share }));
      become({ state: "sent", job });
    } catch (error) {
      if (!LATER.includes(error.status)) return become({ state: "failed", said: error.message });
      become({ state: "chosen", share: 0, said: error.message });
      if (this.items.length > 1) return this.room();
      become({ state: "failed" }); // who waits for one song may as well press the button again
    }
  }
}
