#!/bin/sh
# Builds one image from the root of the repository, pushes it to ECR, and checks the manifest that ECR stored.
# CodeBuild runs it (infra/constructs/model/container-images.ts). Environment: REGISTRY, the registry's host, and
# TORCH_INDEX_URL, which may be empty.
#   sh ml/build-image.sh <training|serving> <repository> <tag>
set -eu
kind=$1 repository=$2 tag=$3
image="$REGISTRY/$repository:$tag"

# An existing tag is not built again: a rollback names the tag of an earlier deployment.
if aws ecr describe-images --repository-name "$repository" --image-ids imageTag="$tag" > /dev/null 2>&1; then
  echo "$image already exists."
else
  # A separate builder exports this format whatever image store this machine's Docker has. BuildKit's image comes from
  # Docker Hub, which may reject CodeBuild's shared addresses: then Docker's default builder is used.
  docker buildx inspect images > /dev/null 2>&1 \
    || docker buildx create --name images --driver docker-container --bootstrap \
    || {
      # Docker keeps a builder that failed to start, and would try it again.
      docker buildx rm images > /dev/null 2>&1 || true
      echo "Could not start a separate builder; using Docker's default one."
    }
  builder=default
  if docker buildx inspect images > /dev/null 2>&1; then builder=images; fi
  # SageMaker accepts only Docker's manifests: no OCI manifest, and no index, which attestations would create.
  docker buildx build --builder "$builder" --provenance=false --sbom=false \
    --output "type=image,name=$image,push=true,oci-mediatypes=false" \
    --build-arg TORCH_INDEX_URL --file "ml/$kind/Dockerfile" .
fi

wanted=application/vnd.docker.distribution.manifest.v2+json
found=$(aws ecr batch-get-image --repository-name "$repository" --image-ids imageTag="$tag" \
  --accepted-media-types "$wanted" application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.index.v1+json \
  application/vnd.docker.distribution.manifest.list.v2+json \
  --query 'images[0].imageManifestMediaType' --output text)
if [ "$found" != "$wanted" ]; then
  echo "$image has a manifest of type $found. SageMaker accepts only $wanted and would reject the image in" \
    "CreateModel and CreateTrainingJob. Check the flags of docker buildx build in ml/build-image.sh, delete the image" \
    "(aws ecr batch-delete-image --repository-name $repository --image-ids imageTag=$tag), and deploy again." >&2
  exit 1
fi
echo "$image has a manifest that SageMaker accepts."
