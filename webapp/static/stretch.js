// Tempo without change of pitch, and pitch without change of tempo, of all lanes in step: they are the channels of one
// node, whose sound is put apart again behind it (Signalsmith Stretch, an AudioWorklet).

const MODULE = new URL("./signalsmith-stretch.mjs", import.meta.url).href;
const MOST = 32; // channels that a node can have

// Why `context` cannot do it with sounds of this sample rate; "" where it can.
export function hindrance(context, rate) {
  if (context.sampleRate !== rate) return "Tempo and pitch cannot be changed at this song's sample rate.";
  if (context.audioWorklet) return "";
  return "Tempo and pitch can only be changed on pages over HTTPS, or on the server's own machine.";
}

export class Stretch {
  // A promise of the Stretch for these lanes of one context and rate.
  static async of(lanes) {
    const { default: makeNode } = await import(MODULE);
    makeNode.moduleUrl = MODULE;
    const each = Math.max(...lanes.map((lane) => lane.heardChannels));
    const channels = each * lanes.length <= MOST ? each : 1;
    const options = { numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [channels * lanes.length] };
    return new Stretch(await makeNode(lanes[0].context, options), lanes, channels);
  }

  constructor(node, lanes, channels) {
    Object.assign(this, { node, channels });
    const { context } = node;
    const splitter = context.createChannelSplitter(channels * lanes.length);
    node.connect(splitter);
    lanes.forEach((lane, number) => {
      const merger = context.createChannelMerger(channels);
      const first = number * channels;
      for (let channel = 0; channel < channels; channel++) splitter.connect(merger, first + channel, channel);
      merger.connect(lane.gain);
    });
  }

  // Be heard from `when` on; what is heard has to be added.
  begin(when, rate, semitones) {
    this.node.dropBuffers();
    // Without a limit of tonality: the upper partials move with the others.
    const tonalityHz = this.node.context.sampleRate;
    this.node.schedule({ outputTime: when, output: when, active: true, input: 0, rate, semitones, tonalityHz });
    Object.assign(this, { when, rate });
  }

  // Hear `length` seconds of an AudioBuffer for each lane (null: silence) from `offset` on, behind what was added.
  add(buffers, offset, length) {
    const { sampleRate, currentTime } = this.node.context;
    const first = Math.round(offset * sampleRate);
    const frames = Math.round(length * sampleRate);
    const arrays = buffers.flatMap((buffer) => channelsOf(buffer, this.channels, first, frames));
    this.node.addBuffers(arrays, arrays.map((array) => array.buffer));
    this.node.dropBuffers(Math.max(0, (currentTime - this.when) * this.rate - 2));
  }

  end() {
    this.node.schedule({ active: false });
    this.node.dropBuffers();
  }
}

// `frames` frames of a buffer from `first` on as so many arrays; where there are fewer than the buffer has, their mean.
function channelsOf(buffer, channels, first, frames) {
  const arrays = Array.from({ length: channels }, () => new Float32Array(frames));
  if (!buffer) return arrays;
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel).subarray(first, first + frames);
    if (channels === buffer.numberOfChannels) arrays[channel].set(samples);
    else for (let i = 0; i < samples.length; i++) arrays[0][i] += samples[i] / buffer.numberOfChannels;
  }
  return arrays;
}
