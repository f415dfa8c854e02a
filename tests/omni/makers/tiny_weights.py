"""Weights of real pipelines and models, as small as they go, made from configurations alone."""

# The types that diffusers declares are narrower than what it takes and gives:
# pyright: reportPrivateImportUsage=false, reportArgumentType=false
# pyright: reportOptionalMemberAccess=false, reportAttributeAccessIssue=false

import json
from pathlib import Path
from string import ascii_lowercase

import torch
from diffusers import (
    AudioLDMPipeline,
    AutoencoderKL,
    AutoencoderKLLTXVideo,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    LTXPipeline,
    LTXVideoTransformer3DModel,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    ClapTextConfig,
    ClapTextModelWithProjection,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    EncodecConfig,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerFast,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
    T5Config,
    T5EncoderModel,
    VitsConfig,
    VitsModel,
    VitsTokenizer,
)

_PLACES = 16


def stable_diffusion(folder: Path) -> Path:
    """A text-to-image pipeline of 64 pixels, whose tokenizer knows letters."""
    torch.manual_seed(0)
    tokenizer = _letters()
    end = len(tokenizer) - 1
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=_PLACES,
        bos_token_id=end - 1,
        eos_token_id=end,
        pad_token_id=end,
    )
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=(8, 8),
            norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
            up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        ),
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(
            sample_size=32,
            block_out_channels=(8, 16),
            layers_per_block=1,
            norm_num_groups=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=4,
        ),
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def vits(folder: Path) -> Path:
    """A speaker that has two voices and makes 16 kHz sound of letters in one pass."""
    torch.manual_seed(0)
    folder.mkdir()
    letters = folder / "letters.json"
    letters.write_text(json.dumps({c: i for i, c in enumerate(f"_{ascii_lowercase} '-")}))
    tokenizer = VitsTokenizer(
        str(letters), phonemize=False, is_uroman=False, pad_token="_", unk_token="_"
    )
    config = VitsConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=16,
        flow_size=16,
        spectrogram_bins=9,
        num_speakers=2,
        speaker_embedding_size=4,
        prior_encoder_num_flows=1,
        prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1,
        duration_predictor_num_flows=1,
        duration_predictor_flow_bins=4,
        duration_predictor_filter_channels=16,
        depth_separable_num_layers=1,
        depth_separable_channels=2,
        upsample_initial_channel=16,
        upsample_rates=[4, 4],
        upsample_kernel_sizes=[8, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]],
        wavenet_kernel_size=3,
    )
    VitsModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def musicgen(folder: Path) -> Path:
    """A generator of 8 kHz sound, code after code: 16 samples a step, over two codebooks."""
    torch.manual_seed(0)
    codec = EncodecConfig(
        num_filters=4,
        num_lstm_layers=1,
        hidden_size=8,
        codebook_size=16,
        codebook_dim=8,
        upsampling_ratios=[4, 4],
        sampling_rate=8000,
        target_bandwidths=[4.0],
    )
    text = T5Config(vocab_size=6, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    decoder = MusicgenDecoderConfig(
        vocab_size=16,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=16,
        num_codebooks=2,
        max_position_embeddings=64,
        pad_token_id=16,
        bos_token_id=16,
    )
    model = MusicgenForConditionalGeneration(
        MusicgenConfig(
            text_encoder=text.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict()
        )
    )
    for name, codebook in model.audio_encoder.named_buffers():
        if name.endswith("codebook.embed"):  # it starts as zeros, of which every sound is the same
            codebook.normal_()
    generation = model.generation_config
    generation.decoder_start_token_id = generation.pad_token_id = generation.bos_token_id = 16
    generation.do_sample, generation.guidance_scale, generation.max_length = True, 3.0, 20
    model.save_pretrained(folder)
    _words().save_pretrained(folder)
    return folder


def ltx(folder: Path) -> Path:
    """A text-to-video pipeline whose sides are multiples of 32 pixels."""
    torch.manual_seed(0)
    text = T5Config(vocab_size=6, d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    channels, once, never = (8, 8, 8, 8), (1, 1, 1, 1, 1), (False,) * 4
    pipeline = LTXPipeline(
        transformer=LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=4,
            attention_head_dim=8,
            cross_attention_dim=32,
            num_layers=1,
            caption_channels=32,
        ),
        vae=AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=channels,
            decoder_block_out_channels=channels,
            layers_per_block=once,
            decoder_layers_per_block=once,
            spatio_temporal_scaling=(True, True, False, False),
            decoder_spatio_temporal_scaling=(True, True, False, False),
            decoder_inject_noise=(*never, False),
            upsample_residual=never,
            upsample_factor=(1, 1, 1, 1),
            patch_size=1,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=T5EncoderModel(text),
        tokenizer=_words(),
    )
    pipeline.save_pretrained(folder)
    return folder


def audio_ldm(folder: Path) -> Path:
    """A text-to-sound pipeline of 12 kHz."""
    torch.manual_seed(0)
    text = ClapTextConfig(
        vocab_size=6,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=24,
        projection_dim=8,
        pad_token_id=0,
        bos_token_id=0,
        eos_token_id=1,
    )
    vocoder = SpeechT5HifiGanConfig(
        model_in_dim=8,
        sampling_rate=12_000,
        upsample_initial_channel=16,
        upsample_rates=[2, 2],
        upsample_kernel_sizes=[4, 4],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]],
        normalize_before=False,
    )
    pipeline = AudioLDMPipeline(
        vae=AutoencoderKL(
            in_channels=1,
            out_channels=1,
            block_out_channels=(8, 16),
            norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
            up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        ),
        text_encoder=ClapTextModelWithProjection(text),
        tokenizer=_words(model_max_length=_PLACES),
        unet=UNet2DConditionModel(
            sample_size=32,
            block_out_channels=(8, 16),
            layers_per_block=1,
            norm_num_groups=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=(8, 16),
            class_embed_type="simple_projection",
            projection_class_embeddings_input_dim=8,
            class_embeddings_concat=True,
        ),
        scheduler=DDIMScheduler(clip_sample=False),
        vocoder=SpeechT5HifiGan(vocoder),
    )
    pipeline.save_pretrained(folder)
    return folder


def _words(**options: int) -> PreTrainedTokenizerFast:
    words = {"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "red": 4, "cat": 5}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        **options,
    )


def _letters() -> CLIPTokenizer:
    ends = [f"{letter}</w>" for letter in ascii_lowercase]
    words = [*ascii_lowercase, *ends, "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=_PLACES)
