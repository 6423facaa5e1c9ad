"""Spleeter's 2stems networks with random weights, as a rival in speed (Hennequin et al. 2020).

Per stem a U-Net on stereo magnitudes, 512 frames by 1024 bins at 44.1 kHz with hop 1024: six strided 5x5 convolutions
(16 to 512 filters) with batch normalisation and LeakyReLU, six transposed ones with ReLU, batch normalisation and
skips, and a dilated 4x4 convolution with a sigmoid. 9.8 million weights a stem.
"""

FRAMES, BINS, HOP, RATE = 512, 1024, 1024, 44100


def build_stem():
    """One stem's U-Net: (batch, 512, 1024, 2) magnitudes -> mask of that shape."""
    import keras
    from keras import layers

    entrance = keras.Input((FRAMES, BINS, 2))
    x, skips = entrance, []
    for filters in (16, 32, 64, 128, 256, 512):
        convolution = layers.Conv2D(filters, 5, 2, padding="same")(x)
        skips.append(convolution)
        x = layers.LeakyReLU(negative_slope=0.2)(layers.BatchNormalization()(convolution))
    x = skips.pop()
    for index, filters in enumerate((256, 128, 64, 32, 16, 1)):
        x = layers.Conv2DTranspose(filters, 5, 2, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x)
        if index < 3:
            x = layers.Dropout(0.5)(x)
        if skips:
            x = layers.Concatenate()([skips.pop(), x])
    mask = layers.Conv2D(2, 4, dilation_rate=2, padding="same", activation="sigmoid")(x)
    return keras.Model(entrance, mask)
