# Unbraid on the processor, with OpenGL without a window.  docker build -t unbraid . && docker run --rm -it -v "$PWD:/images" unbraid demo
# torch's builds for processors are a tenth of the size: --build-arg TORCH_INDEX=... with the address that torch's site gives
FROM python:3.13-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libegl1 libgl1-mesa-dri \
    && rm -rf /var/lib/apt/lists/*
ARG TORCH_INDEX=""
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision
COPY . /src
RUN pip install --no-cache-dir "/src[data,export,video,view]" && unbraid doctor
ENV UNBRAID_CACHE=/images/.unbraid MPLBACKEND=Agg
WORKDIR /images
ENTRYPOINT ["unbraid"]
